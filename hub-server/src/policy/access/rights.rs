//! Defines the rights of roles, and the rights that an identity has from them. This module makes every
//! decision whether a client may do something. If two places decided, their decisions would differ one
//! day.

use std::sync::Arc;

use hub_wire::{Overflow, TopicFilter, TopicName};

use super::error::Reason;
use super::filters::{Pattern, covers, overlap};
use super::name::IdentityName;
use super::powers::{Powers, RolePowers};

/// States what a subscription to a filter may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscribable {
    /// The hub has to refuse the subscription: no single `allow` covers the filter, or a `deny`
    /// covers all of it.
    No,
    /// The hub has to accept the subscription, and to ask [`Rights::may_read`] about each topic,
    /// because a `deny` covers some of the topics.
    Partly,
    /// The hub has to accept the subscription. The identity may read every topic that the filter
    /// matches.
    All,
}

/// Holds what an identity may do. Topics that begin with `$` are the hub's own, and no wildcard
/// covers them. Inboxes are not checked here, because the hub knows their owners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    publish: Rules,
    subscribe: Rules,
    view: Option<Arc<str>>,
    admin: bool,
    quarantine: bool,
    rate: PublishRate,
    powers: Powers,
}

/// Limits how fast an identity may publish. With `None`, the limit of the hub's configuration
/// holds, and 0 means no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublishRate {
    /// The identity may publish this many events in a second.
    pub events: Option<u64>,
    /// The identity may publish this many bytes in a second.
    pub bytes: Option<u64>,
}

impl PublishRate {
    /// Returns whether these rates certainly allow all that the other rates allow. `None` stands for a
    /// number of the configuration, which is not known here.
    fn includes(self, other: PublishRate) -> bool {
        let includes = |mine: Option<u64>, others: Option<u64>| match (mine, others) {
            (Some(0), _) => true,
            (_, Some(0)) => false,
            (Some(mine), Some(others)) => mine >= others,
            (mine, others) => mine == others,
        };
        includes(self.events, other.events) && includes(self.bytes, other.bytes)
    }

    /// Joins the rates of two roles. The rate that allows more counts, and a role that sets no rate
    /// changes nothing.
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
    /// Returns whether these rules allow all that the other rules allow. The answer may be no although
    /// they do, when several filters together cover what one filter covered.
    fn include(&self, other: &Rules) -> bool {
        let covered =
            |filter: &TopicFilter, by: &[TopicFilter]| by.iter().any(|wide| covers(wide, filter));
        other.allow.iter().all(|allow| covered(allow, &self.allow))
            && self.deny.iter().all(|deny| covered(deny, &other.deny))
    }

    fn denies(&self, wanted: &TopicFilter) -> bool {
        self.deny.iter().any(|deny| covers(deny, wanted))
    }

    fn permit(&self, name: &TopicName) -> bool {
        let any = |filters: &[TopicFilter]| filters.iter().any(|filter| filter.matches(name));
        !any(&self.deny) && any(&self.allow)
    }

    fn permit_all(&self, wanted: &TopicFilter) -> Subscribable {
        if !self.allow.iter().any(|allow| covers(allow, wanted)) || self.denies(wanted) {
            Subscribable::No
        } else if self.deny.iter().any(|deny| overlap(deny, wanted)) {
            Subscribable::Partly
        } else {
            Subscribable::All
        }
    }
}

impl Rights {
    /// Returns whether the identity may publish on the topic.
    #[must_use]
    pub fn may_publish(&self, topic: &TopicName) -> bool {
        // No role can allow a topic of the hub. This is checked here again, because everything else
        // relies on it.
        !topic.is_reserved() && self.publish.permit(topic)
    }

    /// Returns whether the identity may subscribe to the filter.
    #[must_use]
    pub fn may_subscribe(&self, filter: &TopicFilter) -> Subscribable {
        self.subscribe.permit_all(filter)
    }

    /// Returns whether the identity may get events of the topic: live ones, the last one, or
    /// replayed ones, in a queue group or not.
    #[must_use]
    pub fn may_read(&self, topic: &TopicName) -> bool {
        self.subscribe.permit(topic)
    }

    /// Returns whether a `deny` is the reason why the identity may not publish on the topic.
    #[must_use]
    pub fn denies_publishing(&self, topic: &TopicName) -> bool {
        self.publish.deny.iter().any(|deny| deny.matches(topic))
    }

    /// Returns whether a `deny` covers all topics of the filter.
    #[must_use]
    pub fn denies_reading(&self, filter: &TopicFilter) -> bool {
        self.subscribe.denies(filter)
    }

    /// Returns whether a subscription to the filter may hold up publishers, with the overflow policy
    /// `block`.
    #[must_use]
    pub fn may_block(&self, filter: &TopicFilter) -> bool {
        self.powers.may_block(filter)
    }

    /// Returns whether the identity may join the queue group with this name, on topics that it may
    /// read.
    #[must_use]
    pub fn may_join(&self, group: &str) -> bool {
        self.powers.may_join(group)
    }

    /// Returns whether the identity may use filters that begin with a wildcard, as far as it may read
    /// their topics.
    #[must_use]
    pub fn may_observe(&self) -> bool {
        self.powers.observe
    }

    /// Returns whether the identity may choose this overflow policy for its inbox.
    #[must_use]
    pub fn may_choose_for_inbox(&self, overflow: Overflow) -> bool {
        self.powers.may_choose_for_inbox(overflow)
    }

    /// Returns whether these rights contain all rights of `other`, and show events in the same view.
    ///
    /// The answer may be no although they do, when several filters together cover what one filter
    /// covered before.
    #[must_use]
    pub fn include(&self, other: &Rights) -> bool {
        self.publish.include(&other.publish)
            && self.subscribe.include(&other.subscribe)
            && self.view == other.view
            && (self.admin || !other.admin)
            && (self.quarantine || !other.quarantine)
            && self.rate.includes(other.rate)
            && self.powers.include(&other.powers)
    }

    /// Returns whether the identity may use the admin API.
    #[must_use]
    pub fn may_admin(&self) -> bool {
        self.admin
    }

    /// Returns whether the identity may read the quarantine.
    #[must_use]
    pub fn may_quarantine(&self) -> bool {
        self.quarantine
    }

    /// Returns the view in which the identity gets events, if its roles name one.
    #[must_use]
    pub fn view(&self) -> Option<&str> {
        self.view.as_deref()
    }

    /// Returns how fast the identity may publish, if its roles set that.
    #[must_use]
    pub fn publish_rate(&self) -> PublishRate {
        self.rate
    }

    /// Returns the right to every topic, except the hub's own.
    pub(super) fn all_topics() -> Rights {
        let all = || Rules { allow: known(&["**"]), deny: Vec::new() };
        let rate = PublishRate::default();
        let (publish, subscribe) = (all(), all());
        let powers = Powers::all();
        Rights { publish, subscribe, view: None, admin: false, quarantine: false, rate, powers }
    }

    /// Returns all rights that a role can give.
    pub(super) fn everything() -> Rights {
        let mut rights = Rights { admin: true, quarantine: true, ..Rights::all_topics() };
        rights.subscribe.allow.extend(known(&["$hub.**"]));
        rights
    }

    /// Returns the rights of several roles: everything that any of them allows, without everything
    /// that any of them denies.
    pub(super) fn of(roles: &[Arc<Role>], name: &IdentityName) -> Result<Rights, Reason> {
        let mut rights = Rights {
            publish: Rules::default(),
            subscribe: Rules::default(),
            view: None,
            admin: roles.iter().any(|role| role.admin),
            quarantine: roles.iter().any(|role| role.quarantine),
            rate: roles.iter().map(|role| role.rate).fold(PublishRate::default(), PublishRate::or),
            powers: Powers::default(),
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
            role.powers.resolve(name, &mut rights.powers)?;
        }
        let quarantine = known(&["$hub.quarantine", "$hub.quarantine.**"]);
        let subscribe = &mut rights.subscribe;
        if rights.quarantine { &mut subscribe.allow } else { &mut subscribe.deny }
            .extend(quarantine);
        Ok(rights)
    }
}

/// Parses filters that are constants in this file. A test checks that they are valid.
fn known(filters: &[&str]) -> Vec<TopicFilter> {
    filters.iter().filter_map(|filter| TopicFilter::parse(filter).ok()).collect()
}

/// Holds a role as the access file declares it.
#[derive(Debug)]
pub(super) struct Role {
    pub(super) name: Arc<str>,
    pub(super) publish: Patterns,
    pub(super) subscribe: Patterns,
    pub(super) view: Option<Arc<str>>,
    /// The view is stated in this file and line.
    pub(super) view_at: Option<String>,
    pub(super) admin: bool,
    pub(super) quarantine: bool,
    pub(super) rate: PublishRate,
    pub(super) powers: RolePowers,
}

impl Role {
    /// Creates a role for every topic, except the hub's own.
    pub(super) fn all_topics(name: Arc<str>) -> Role {
        let all = || {
            let allow = known(&["**"]).into_iter().map(Pattern::Fixed).collect();
            Patterns { allow, deny: Vec::new() }
        };
        let (publish, subscribe) = (all(), all());
        let rate = PublishRate::default();
        let powers = RolePowers::all();
        let (view, view_at, admin, quarantine) = (None, None, false, false);
        Role { name, publish, subscribe, view, view_at, admin, quarantine, rate, powers }
    }

    /// Returns whether any filter of the role contains `{identity}`.
    pub(super) fn is_named(&self) -> bool {
        let Role { publish, subscribe, powers, .. } = self;
        let lists =
            [&publish.allow, &publish.deny, &subscribe.allow, &subscribe.deny, &powers.block];
        powers.own_group || lists.into_iter().flatten().any(Pattern::is_named)
    }
}

/// Holds the filters of one right.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    pub(super) allow: Vec<Pattern>,
    pub(super) deny: Vec<Pattern>,
}

impl Patterns {
    fn resolve(&self, name: &IdentityName, rules: &mut Rules) -> Result<(), Reason> {
        // A filter that cannot be made may be a `deny`, so the identity gets no rights at all then.
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
