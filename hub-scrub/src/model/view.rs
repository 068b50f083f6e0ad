//! A view decides how much of an event a role gets to see.
//!
//! Without views, every subscriber would get the same redaction, whatever its role may see.

use super::action::Action;
use std::collections::HashMap;
use std::sync::Arc;

/// A `ViewId` is the number of a view in a rule set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ViewId(pub(crate) u16);

impl ViewId {
    /// The default view is the least privileged one. In it, every rule does what the rule file states.
    pub const DEFAULT: ViewId = ViewId(0);

    /// Returns the view with this number. A number that is too great gives the default view.
    #[must_use]
    pub fn from_index(index: usize) -> Self {
        ViewId(u16::try_from(index).unwrap_or_default())
    }

    /// Returns the number of the view. The default view has the number 0.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A `View` is one view of a rule file.
pub(crate) struct View {
    pub(crate) name: Arc<str>,
    /// Clients with one of these roles get this view.
    pub(crate) roles: Vec<String>,
    /// The action of a label replaces the actions of the rules with that label.
    pub(crate) labels: HashMap<String, Action>,
}

/// `Views` has the views of a rule file. The first one is the default view.
pub(crate) struct Views(Vec<View>);

impl Default for Views {
    fn default() -> Self {
        let (roles, labels) = (Vec::new(), HashMap::new());
        Views(vec![View { name: "default".into(), roles, labels }])
    }
}

impl Views {
    pub(crate) fn add(&mut self, view: View) {
        self.0.push(view);
    }

    pub(crate) fn all(&self) -> &[View] {
        &self.0
    }

    /// Returns the view with this name.
    pub(crate) fn named(&self, name: &str) -> Option<ViewId> {
        self.id(|view| &*view.name == name)
    }

    /// Returns the view of a role. A role that no view names gets the default view.
    pub(crate) fn of_role(&self, role: &str) -> ViewId {
        self.id(|view| view.roles.iter().any(|have| have == role)).unwrap_or_default()
    }

    fn id(&self, wanted: impl Fn(&View) -> bool) -> Option<ViewId> {
        self.0.iter().position(wanted).and_then(|at| u16::try_from(at).ok()).map(ViewId)
    }
}
