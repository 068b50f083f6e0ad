//! Defines the rights to do what other clients feel: to hold up publishers, to take events from the
//! members of a queue group, and to watch everything. Without these rights, whoever may read a topic
//! could stop its publishers and swallow the work of others.

use std::sync::Arc;

use hub_wire::{Overflow, TopicFilter};

use super::error::Reason;
use super::filters::{Pattern, covers};
use super::name::IdentityName;

/// Holds the rights of an identity to do what other clients feel. An access file gives none of them
/// unless a role states it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Powers {
    /// The identity may use the overflow policy `block` in subscriptions that these filters cover.
    pub(super) block: Vec<TopicFilter>,
    /// The identity may join the queue groups with these names.
    pub(super) groups: Vec<GroupPattern>,
    /// The identity may use filters that begin with a wildcard.
    pub(super) observe: bool,
    /// The identity may choose these overflow policies for its inbox, beside the default policy.
    pub(super) inbox_overflow: Vec<Overflow>,
}

impl Powers {
    /// Returns all of these rights. They hold where there is no access file.
    pub(super) fn all() -> Powers {
        Powers {
            block: ["**", "$hub.**"]
                .iter()
                .filter_map(|all| TopicFilter::parse(all).ok())
                .collect(),
            groups: vec![GroupPattern::BeginsWith("".into())],
            observe: true,
            inbox_overflow: Overflow::ALL.to_vec(),
        }
    }

    pub(super) fn may_block(&self, wanted: &TopicFilter) -> bool {
        self.block.iter().any(|filter| covers(filter, wanted))
    }

    pub(super) fn may_join(&self, group: &str) -> bool {
        self.groups.iter().any(|pattern| pattern.matches(group))
    }

    pub(super) fn may_choose_for_inbox(&self, overflow: Overflow) -> bool {
        overflow == Overflow::default() || self.inbox_overflow.contains(&overflow)
    }

    /// Returns whether these rights contain all rights of `other`.
    pub(super) fn include(&self, other: &Powers) -> bool {
        other.block.iter().all(|filter| self.may_block(filter))
            && other.groups.iter().all(|one| self.groups.iter().any(|all| all.covers(one)))
            && (self.observe || !other.observe)
            && other.inbox_overflow.iter().all(|overflow| self.may_choose_for_inbox(*overflow))
    }
}

/// States which queue groups a client may join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum GroupPattern {
    /// The group has this name.
    Name(Arc<str>),
    /// The name of the group begins with this text.
    BeginsWith(Arc<str>),
}

impl GroupPattern {
    /// Returns the pattern for a text of the access file: a name, or a beginning with `*` behind it.
    pub(super) fn new(text: &str) -> GroupPattern {
        match text.strip_suffix('*') {
            Some(beginning) => GroupPattern::BeginsWith(beginning.into()),
            None => GroupPattern::Name(text.into()),
        }
    }

    fn matches(&self, group: &str) -> bool {
        match self {
            GroupPattern::Name(name) => &**name == group,
            GroupPattern::BeginsWith(beginning) => group.starts_with(&**beginning),
        }
    }

    fn covers(&self, other: &GroupPattern) -> bool {
        match (self, other) {
            (_, GroupPattern::Name(name)) => self.matches(name),
            (GroupPattern::BeginsWith(wide), GroupPattern::BeginsWith(narrow)) => {
                narrow.starts_with(&**wide)
            }
            (GroupPattern::Name(_), GroupPattern::BeginsWith(_)) => false,
        }
    }
}

/// Holds these rights as a role of the access file states them.
#[derive(Debug, Default)]
pub(super) struct RolePowers {
    pub(super) block: Vec<Pattern>,
    pub(super) groups: Vec<GroupPattern>,
    /// The identity may join the queue group that has the name of the identity, written as one token.
    pub(super) own_group: bool,
    pub(super) observe: bool,
    pub(super) inbox_overflow: Vec<Overflow>,
}

impl RolePowers {
    /// Adds the rights of this role to those of the identity.
    pub(super) fn resolve(&self, name: &IdentityName, powers: &mut Powers) -> Result<(), Reason> {
        for pattern in &self.block {
            powers.block.push(pattern.resolve(name).map_err(|_| Reason::NameTooLong)?);
        }
        powers.groups.extend(self.groups.iter().cloned());
        if self.own_group {
            powers.groups.push(GroupPattern::Name(name.token().into()));
        }
        powers.observe |= self.observe;
        powers.inbox_overflow.extend(&self.inbox_overflow);
        Ok(())
    }

    /// Returns all of these rights.
    pub(super) fn all() -> RolePowers {
        let Powers { block, groups, observe, inbox_overflow } = Powers::all();
        let block = block.into_iter().map(Pattern::Fixed).collect();
        RolePowers { block, groups, own_group: false, observe, inbox_overflow }
    }
}
