//! Scrubs messages by a rule file as a hub would, without a hub.
//!
//! The module keeps the plan of each topic. Otherwise it would make a plan anew for every event of a
//! file, which takes far longer than the scrub itself.

use super::message::Message;
use super::message_report::{Find, MessageReport};
use super::rule_file::RuleFile;
use hub_scrub::{FindReport, Plan, Scratch};
use hub_wire::TopicName;
use std::collections::HashMap;
use std::sync::Arc;

/// At most this many plans are kept at the same time. Without a bound, events of ever new topics would
/// fill the memory.
const PLANS: usize = 1024;

/// Scrubs messages as a rule file says.
pub(super) struct Scrub<'a> {
    file: &'a RuleFile,
    plans: HashMap<TopicName, Arc<Planned>>,
    scratch: Scratch,
}

/// Holds the plan of a topic, and the label of each rule of the plan.
struct Planned {
    plan: Arc<Plan>,
    labels: Vec<String>,
}

impl<'a> Scrub<'a> {
    pub(super) fn new(file: &'a RuleFile) -> Self {
        Scrub { file, plans: HashMap::new(), scratch: Scratch::default() }
    }

    /// Returns the plan of the topic of a message.
    fn planned(&mut self, message: &Message) -> Arc<Planned> {
        if let Some(planned) = self.plans.get(&message.topic) {
            return planned.clone();
        }
        if self.plans.len() == PLANS {
            self.plans.clear();
        }
        let planned = Arc::new(Planned::new(self.file, &message.topic));
        self.plans.insert(message.topic.clone(), planned.clone());
        planned
    }

    /// Returns what the rules find in a message, where, and why.
    pub(super) fn finds(&mut self, message: &Message) -> Vec<Find> {
        let plan = &self.planned(message).plan;
        let headers = message.headers.as_deref();
        let reports = plan.find_reports(&message.payload, headers, &mut self.scratch);
        let find = |report: FindReport| Find {
            rule: plan.rule_name(report.rule).to_owned(),
            path: report.path,
            evidence: report.evidence,
        };
        reports.into_iter().map(find).collect()
    }

    /// Scrubs a message, and returns the report.
    pub(super) fn scrub(&mut self, message: &Message) -> MessageReport {
        let planned = self.planned(message);
        let headers = message.headers.as_deref();
        let verdict = planned.plan.scrub(&message.payload, headers, &mut self.scratch);
        MessageReport::new(verdict, &planned.plan, &planned.labels, &self.scratch)
    }
}

impl Planned {
    fn new(file: &RuleFile, topic: &TopicName) -> Self {
        let plan = file.rules.plan(topic);
        let labels: HashMap<&str, &str> = file.rules.rules().collect();
        let label = |rule| labels.get(plan.rule_name(rule)).copied().unwrap_or_default().to_owned();
        let labels = (0..plan.len()).map(label).collect();
        Planned { plan, labels }
    }
}
