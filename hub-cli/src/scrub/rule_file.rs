//! Loads a rule file, with the names of its views and roles.
//!
//! The rule set that the scrub makes of a file does not list its views and roles. Without this
//! module, the commands could not show what each view gets, or tell a user that a role is
//! misspelt.

use crate::connect::note;
use crate::exit::{Exit, Failure};
use clap::ArgMatches;
use hub_scrub::{RuleSet, ViewId};
use hub_server::{BoundedKeys, RulesError, read_rule_file};
use hub_wire::TopicName;
use std::fmt;
use std::path::Path;

/// Every role that no view names gets the view with this name.
pub(super) const DEFAULT_VIEW: &str = "default";

/// Holds a rule file that was loaded, and the names in it.
pub(super) struct RuleFile {
    pub(super) rules: RuleSet,
    /// Lists the views with their names. The default view is the first.
    pub(super) views: Vec<(String, ViewId)>,
    /// Lists the roles that a view names.
    pub(super) roles: Vec<String>,
}

/// Says why a rule file cannot be used. The hub says it with the same error.
pub(super) struct BadFile(pub(super) RulesError);

impl fmt::Display for BadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            RulesError::Read { path, cause } => {
                write!(f, "error: cannot read {}: {cause}", path.display())
            }
            // Each error has a line that begins with the file and the line number, because editors can
            // open a place in this form.
            RulesError::Wrong(faults) => faults.fmt(f),
        }
    }
}

impl BadFile {
    /// Prints the errors on stderr, and returns the exit code of the command.
    pub(super) fn tell(&self) -> Exit {
        note(self);
        Exit::Usage
    }
}

impl RuleFile {
    /// Loads and checks the rule file at `path`. It is read as the hub reads it, so a file that is too large
    /// for a hub does not take all memory here either.
    pub(super) fn load(path: &Path) -> Result<RuleFile, BadFile> {
        let text = read_rule_file(path).map_err(BadFile)?;
        let source = path.display().to_string();
        let rules = RuleSet::load(&text, &source, &BoundedKeys)
            .map_err(|faults| BadFile(RulesError::Wrong(faults)))?;
        // A rule set does not list its views, so they are read from the text. The text was loaded
        // before, so it parses, and `views` holds tables only.
        let table: toml::Table = text.parse().unwrap_or_default();
        let named = table.get("views").and_then(toml::Value::as_table);
        let mut views = vec![(DEFAULT_VIEW.to_owned(), ViewId::DEFAULT)];
        let mut roles = Vec::new();
        for (name, view) in named.into_iter().flatten() {
            views.extend(rules.view(name).map(|id| (name.clone(), id)));
            let named = view.get("roles").and_then(toml::Value::as_array);
            roles.extend(
                named.into_iter().flatten().filter_map(|role| role.as_str()).map(str::to_owned),
            );
        }
        Ok(RuleFile { rules, views, roles })
    }

    /// Returns the name of a view.
    pub(super) fn view_name(&self, view: ViewId) -> &str {
        let named = self.views.iter().find(|(_, id)| *id == view);
        named.map_or(DEFAULT_VIEW, |(name, _)| name)
    }

    /// Returns the views that the options select, or all views if no option selects one.
    pub(super) fn chosen(&self, args: &ArgMatches) -> Result<Vec<(String, ViewId)>, Failure> {
        if let Some(role) = args.get_one::<String>("role") {
            self.tell_unnamed(role);
            let view = self.rules.view_of_role(role);
            return Ok(vec![(self.view_name(view).to_owned(), view)]);
        }
        let Some(name) = args.get_one::<String>("view") else { return Ok(self.views.clone()) };
        match self.rules.view(name) {
            Some(view) => Ok(vec![(name.clone(), view)]),
            None => Err(self.no_view(name)),
        }
    }

    /// Prints a note if no view names the role, because the role may be misspelt.
    pub(super) fn tell_unnamed(&self, role: &str) {
        if !self.roles.iter().any(|named| named == role) {
            note(format_args!(
                "no view names the role {role:?}, so this role gets the default view"
            ));
        }
    }

    /// Makes the failure for a view that the rule file does not have.
    pub(super) fn no_view(&self, name: &str) -> Failure {
        let names: Vec<_> = self.views.iter().map(|(name, _)| name.as_str()).collect();
        let message = format!("there is no view {name:?}; there are {}", names.join(", "));
        Failure::new(Exit::Usage, message)
    }

    /// Returns how many rules are not for this topic.
    pub(super) fn not_for(&self, topic: &TopicName) -> usize {
        self.rules.rules().count() - self.rules.plan(topic).len()
    }
}
