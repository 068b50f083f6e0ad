//! What a role allows, and what an identity may do.

use std::sync::Arc;

use hub_wire::{TopicFilter, TopicName};

use super::error::Reason;
use super::filters::{Pattern, covers, overlap};
use super::name::IdentityName;

/// What a subscription to a filter may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscribable {
    /// Refuse it: no single `allow` covers the filter, or a `deny` covers all of it.
    No,
    /// Accept it, but ask [`Rights::may_read`] of each topic: a `deny` takes some away.
    Partly,
    /// Accept it: every topic that the filter matches may be read.
    All,
}

/// What an identity may do. Topics that begin with `$` are the hub's own: no wildcard gives them.
/// Inboxes are not looked at here at all; the hub knows their owners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    publish: Rules,
    subscribe: Rules,
    view: Option<Arc<str>>,
    admin: bool,
    quarantine: bool,
    rate: PublishRate,
}

/// How fast somebody may publish, where it is not as the hub's configuration says. 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublishRate {
    /// Events a second.
    pub events: Option<u64>,
    /// Bytes a second.
    pub bytes: Option<u64>,
}

impl PublishRate {
    /// Of two roles the one that allows more counts; one that says nothing takes nothing away.
    fn or(self, other: PublishRate) -> PublishRate {
        let more = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(0), _) | (_, Some(0)) => Some(0),
            (a, b) => a.max(b),
        };
        PublishRate {
            events: more(self.events, other.events),
            bytes: more(self.bytes, other.bytes),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rules {
    allow: Vec<TopicFilter>,
    deny: Vec<TopicFilter>,
}

impl Rules {
    fn permit(&self, name: &TopicName) -> bool {
        let any = |filters: &[TopicFilter]| filters.iter().any(|filter| filter.matches(name));
        !any(&self.deny) && any(&self.allow)
    }

    fn permit_all(&self, wanted: &TopicFilter) -> Subscribable {
        if !self.allow.iter().any(|allow| covers(allow, wanted))
            || self.deny.iter().any(|deny| covers(deny, wanted))
        {
            Subscribable::No
        } else if self.deny.iter().any(|deny| overlap(deny, wanted)) {
            Subscribable::Partly
        } else {
            Subscribable::All
        }
    }
}

impl Rights {
    /// Whether it may send events to the topic.
    #[must_use]
    pub fn may_publish(&self, topic: &TopicName) -> bool {
        // No role can allow it; said once more here, since everything else trusts in it.
        !topic.is_reserved() && self.publish.permit(topic)
    }

    /// Whether it may subscribe to the filter.
    #[must_use]
    pub fn may_subscribe(&self, filter: &TopicFilter) -> Subscribable {
        self.subscribe.permit_all(filter)
    }

    /// Whether it may get events of the topic: live, last or past ones, also as member of a group.
    #[must_use]
    pub fn may_read(&self, topic: &TopicName) -> bool {
        self.subscribe.permit(topic)
    }

    /// Whether it may use the admin API.
    #[must_use]
    pub fn may_admin(&self) -> bool {
        self.admin
    }

    /// Whether it may see what is in quarantine.
    #[must_use]
    pub fn may_quarantine(&self) -> bool {
        self.quarantine
    }

    /// The view in which it gets events, if its roles name one.
    #[must_use]
    pub fn view(&self) -> Option<&str> {
        self.view.as_deref()
    }

    /// How fast it may publish, if its roles say so.
    #[must_use]
    pub fn publish_rate(&self) -> PublishRate {
        self.rate
    }

    /// Every topic but the hub's own.
    pub(super) fn all_topics() -> Rights {
        let all = || Rules { allow: known(&["**"]), deny: Vec::new() };
        let rate = PublishRate::default();
        let (publish, subscribe) = (all(), all());
        Rights { publish, subscribe, view: None, admin: false, quarantine: false, rate }
    }

    /// Everything that can be granted.
    pub(super) fn everything() -> Rights {
        let mut rights = Rights { admin: true, quarantine: true, ..Rights::all_topics() };
        rights.subscribe.allow.extend(known(&["$hub.**"]));
        rights
    }

    /// The union of the roles: what any allows, less what any denies.
    pub(super) fn of(roles: &[Arc<Role>], name: &IdentityName) -> Result<Rights, Reason> {
        let mut rights = Rights {
            publish: Rules::default(),
            subscribe: Rules::default(),
            view: None,
            admin: roles.iter().any(|role| role.admin),
            quarantine: roles.iter().any(|role| role.quarantine),
            rate: roles.iter().map(|role| role.rate).fold(PublishRate::default(), PublishRate::or),
        };
        let mut views = roles.iter().filter_map(|role| role.view.as_ref());
        if let Some(view) = views.next() {
            if views.any(|other| other != view) {
                return Err(Reason::ViewConflict);
            }
            rights.view = Some(view.clone());
        }
        for role in roles {
            role.publish.resolve(name, &mut rights.publish)?;
            role.subscribe.resolve(name, &mut rights.subscribe)?;
        }
        let quarantine = known(&["$hub.quarantine", "$hub.quarantine.**"]);
        let subscribe = &mut rights.subscribe;
        if rights.quarantine { &mut subscribe.allow } else { &mut subscribe.deny }
            .extend(quarantine);
        Ok(rights)
    }
}

/// Filters written in this file; a test sees that they parse.
fn known(filters: &[&str]) -> Vec<TopicFilter> {
    filters.iter().filter_map(|filter| TopicFilter::parse(filter).ok()).collect()
}

/// A role as the access file has it.
#[derive(Debug)]
pub(super) struct Role {
    pub(super) name: Arc<str>,
    pub(super) publish: Patterns,
    pub(super) subscribe: Patterns,
    pub(super) view: Option<Arc<str>>,
    pub(super) admin: bool,
    pub(super) quarantine: bool,
    pub(super) rate: PublishRate,
}

impl Role {
    /// Everything but the hub's own topics.
    pub(super) fn all_topics(name: Arc<str>) -> Role {
        let all = || {
            let allow = known(&["**"]).into_iter().map(Pattern::Fixed).collect();
            Patterns { allow, deny: Vec::new() }
        };
        let (publish, subscribe) = (all(), all());
        let rate = PublishRate::default();
        Role { name, publish, subscribe, view: None, admin: false, quarantine: false, rate }
    }

    /// Whether `{identity}` stands in one of its filters.
    pub(super) fn is_named(&self) -> bool {
        let lists = [&self.publish, &self.subscribe];
        lists.iter().any(|list| list.allow.iter().chain(&list.deny).any(Pattern::is_named))
    }
}

/// Filters of one right.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    pub(super) allow: Vec<Pattern>,
    pub(super) deny: Vec<Pattern>,
}

impl Patterns {
    fn resolve(&self, name: &IdentityName, rules: &mut Rules) -> Result<(), Reason> {
        // A filter that cannot be made would be a missing deny: then nobody gets in.
        let resolve = |pattern: &Pattern| pattern.resolve(name).map_err(|_| Reason::NameTooLong);
        for pattern in &self.allow {
            rules.allow.push(resolve(pattern)?);
        }
        for pattern in &self.deny {
            rules.deny.push(resolve(pattern)?);
        }
        Ok(())
    }
}
