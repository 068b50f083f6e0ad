//! Compares the names in an access file with those in a rule file. The two files are loaded one by one, so
//! without this comparison a misspelt view would silently show the default view.

use hub_scrub::RuleSet;

use super::role::nearest;
use super::table::{ANONYMOUS, Access};
use super::toml_reader::list;

impl Access {
    /// Returns what the access file and the rule file say of one another that does not exist: views that
    /// no rule file has, and roles of views that the access file does not have. Each text is one sentence
    /// for the log. `rules` is `None` at a hub without a rule file.
    ///
    /// Nothing of that is an error, because one of the two files may be about to change: a role whose view
    /// does not exist gets the default view.
    #[must_use]
    pub fn unknown_names(&self, rules: Option<&RuleSet>) -> Vec<String> {
        let views: Vec<&str> = rules.into_iter().flat_map(RuleSet::view_names).collect();
        let mut roles: Vec<_> = self.roles.values().collect();
        roles.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let mut found = Vec::new();
        for role in roles {
            let (Some(view), Some(at)) = (&role.view, &role.view_at) else { continue };
            if views.is_empty() && **view != *"default" {
                found.push(format!(
                    "{at}: the view `{view}` does not exist: the hub has no rule file"
                ));
            } else if !views.is_empty() && !views.contains(&&**view) {
                let near = list(&nearest(view, views.iter().copied()));
                found.push(format!(
                    "{at}: the view `{view}` does not exist, so the role `{}` gets the default view; the \
                     nearest views of the rule file are {near}",
                    role.name
                ));
            }
        }
        let known = |role: &str| role == ANONYMOUS || self.roles.contains_key(role);
        let unknown =
            rules.into_iter().flat_map(RuleSet::view_roles).filter(|(_, role)| !known(role));
        // A table without roles is that of a hub without an access file, or lets nobody in.
        for (view, role) in unknown.filter(|_| !self.roles.is_empty()) {
            let near = list(&nearest(role, self.roles.keys().map(String::as_str)));
            found.push(format!(
                "the view `{view}` of the rule file is for the role `{role}`, which does not exist; the \
                 nearest roles of the access file are {near}"
            ));
        }
        found
    }
}
