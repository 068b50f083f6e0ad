use super::outcome::Outcome;
use super::source::Message;
use crate::connect::note;
use crate::exit::{Exit, Failure};
use clap::ArgMatches;
use hub_scrub::{Plan, RuleErrors, RuleSet, Scratch, SystemKeys, ViewId};
use hub_wire::TopicName;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The view of all whose role no view names.
pub(super) const DEFAULT_VIEW: &str = "default";

/// So many plans are kept at once; events may come from any number of topics.
const PLANS: usize = 1024;

/// A rule file that was loaded, and the names in it.
pub(super) struct RuleFile {
    pub(super) rules: RuleSet,
    /// Its views by name, the default view first.
    pub(super) views: Vec<(String, ViewId)>,
    /// The roles that have a view.
    pub(super) roles: Vec<String>,
}

/// Why a rule file is not used.
pub(super) enum BadFile {
    Unreadable(PathBuf, io::Error),
    Faults(RuleErrors),
}

impl fmt::Display for BadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadFile::Unreadable(path, error) => {
                write!(f, "error: cannot read {}: {error}", path.display())
            }
            // Each on its own line that begins with the place, as editors understand it.
            BadFile::Faults(faults) => faults.fmt(f),
        }
    }
}

impl BadFile {
    /// Says what is wrong.
    pub(super) fn tell(&self) -> Exit {
        note(self);
        Exit::Usage
    }
}

impl RuleFile {
    pub(super) fn load(path: &Path) -> Result<RuleFile, BadFile> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| BadFile::Unreadable(path.to_owned(), error))?;
        let source = path.display().to_string();
        let rules = RuleSet::load(&text, &source, &SystemKeys).map_err(BadFile::Faults)?;
        // A rule set does not list its views; a file that loaded has nothing else in `views`.
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

    /// A view's name.
    pub(super) fn view_name(&self, view: ViewId) -> &str {
        let named = self.views.iter().find(|(_, id)| *id == view);
        named.map_or(DEFAULT_VIEW, |(name, _)| name)
    }

    /// The views that the options ask for; all if they do not say.
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

    /// Says so if no view names the role: it may be a slip of the pen.
    pub(super) fn tell_unnamed(&self, role: &str) {
        if !self.roles.iter().any(|named| named == role) {
            note(format_args!(
                "no view names the role {role:?}: it sees what the default view shows"
            ));
        }
    }

    pub(super) fn no_view(&self, name: &str) -> Failure {
        let names: Vec<_> = self.views.iter().map(|(name, _)| name.as_str()).collect();
        let message = format!("there is no view {name:?}; there are {}", names.join(", "));
        Failure::new(Exit::Usage, message)
    }

    /// How many rules are not for this topic.
    pub(super) fn not_for(&self, topic: &TopicName) -> usize {
        self.rules.rules().count() - self.rules.plan(topic).len()
    }
}

/// A rule file at work.
pub(super) struct Scrub<'a> {
    pub(super) file: &'a RuleFile,
    plans: HashMap<TopicName, Arc<Planned>>,
    scratch: Scratch,
}

/// A topic's plan, and the label of each of its rules.
pub(super) struct Planned {
    pub(super) plan: Arc<Plan>,
    pub(super) labels: Vec<String>,
}

impl<'a> Scrub<'a> {
    pub(super) fn new(file: &'a RuleFile) -> Self {
        Scrub { file, plans: HashMap::new(), scratch: Scratch::default() }
    }

    pub(super) fn scrub(&mut self, message: &Message) -> Outcome {
        let planned = match self.plans.get(&message.topic) {
            Some(planned) => planned.clone(),
            None => {
                if self.plans.len() == PLANS {
                    self.plans.clear();
                }
                let planned = Arc::new(Planned::new(self.file, &message.topic));
                self.plans.insert(message.topic.clone(), planned.clone());
                planned
            }
        };
        let headers = message.headers.as_deref();
        let verdict = planned.plan.scrub(&message.payload, headers, &mut self.scratch);
        Outcome::new(verdict, &planned, &self.scratch)
    }
}

impl Planned {
    pub(super) fn new(file: &RuleFile, topic: &TopicName) -> Self {
        let plan = file.rules.plan(topic);
        let labels: HashMap<&str, &str> = file.rules.rules().collect();
        let label = |rule| labels.get(plan.rule_name(rule)).copied().unwrap_or_default().to_owned();
        let labels = (0..plan.len()).map(label).collect();
        Planned { plan, labels }
    }
}
