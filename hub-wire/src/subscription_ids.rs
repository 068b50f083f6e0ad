//! Names the subscriptions of one connection that a RUN or a GAP frame is for.
//!
//! The frames state their subscriptions, so no client has to match topics against filters. Without
//! that, every client would need its own matcher, and a difference from the hub's matcher would lose
//! or repeat events.

use crate::{FrameError, Packer, Reader};
use std::sync::Arc;

/// Lists ids of subscriptions. A clone costs at most a reference count.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SubscriptionIds(Ids);

/// Equal lists have equal representations: `Many` has at least two ids.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Ids {
    None,
    /// Most topics match one subscription of a connection. Such a list needs no allocation.
    One(u64),
    Many(Arc<[u64]>),
}

impl SubscriptionIds {
    /// This list has no id.
    pub const NONE: Self = SubscriptionIds(Ids::None);

    /// Returns a list with one id.
    #[must_use]
    pub const fn one(id: u64) -> Self {
        SubscriptionIds(Ids::One(id))
    }

    /// Returns the ids in order.
    #[must_use]
    pub fn as_slice(&self) -> &[u64] {
        match &self.0 {
            Ids::None => &[],
            Ids::One(id) => std::slice::from_ref(id),
            Ids::Many(ids) => ids,
        }
    }

    /// Reads an array of ids.
    pub(crate) fn read(read: &mut Reader<'_>) -> Result<Self, FrameError> {
        let what = "subscriptions";
        let count = read.array(what)?;
        if count == 1 {
            return read.uint(what).map(SubscriptionIds::one);
        }
        (0..count).map(|_| read.uint(what)).collect()
    }

    /// Writes an array of ids.
    pub(crate) fn write(&self, pack: &mut Packer<'_>) {
        let ids = self.as_slice();
        pack.array(ids.len() as u32); // a connection has fewer than 2^32 subscriptions
        for id in ids {
            pack.uint(*id);
        }
    }
}

impl FromIterator<u64> for SubscriptionIds {
    fn from_iter<I: IntoIterator<Item = u64>>(ids: I) -> Self {
        let mut ids = ids.into_iter();
        let (first, second) = (ids.next(), ids.next());
        SubscriptionIds(match (first, second) {
            (None, _) => Ids::None,
            (Some(only), None) => Ids::One(only),
            _ => Ids::Many(first.into_iter().chain(second).chain(ids).collect()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lists_are_equal_however_they_are_made() {
        let list = |ids: &[u64]| ids.iter().copied().collect::<SubscriptionIds>();
        assert_eq!(list(&[7]), SubscriptionIds::one(7));
        assert_eq!(list(&[7]).as_slice(), [7]);
        assert_eq!(list(&[7, 9]), list(&[7, 9]));
        assert_ne!(list(&[7, 9]), list(&[9, 7]));
        assert_eq!(list(&[]), SubscriptionIds::NONE);
        assert_eq!(list(&[]).as_slice(), [] as [u64; 0]);
    }
}
