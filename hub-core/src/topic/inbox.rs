//! States what is different for the inbox of a client. Nobody waits for room in an inbox: otherwise a client
//! that asks and does not read the answers would hold up whoever answers.

use crate::overflow::policy;
use hub_wire::Overflow;

/// Returns the policy that applies to an inbox whose owner asks for this policy.
///
/// With a policy that lets publishers wait for room, an inbox would grow beyond its bound, so the newest
/// answers are dropped instead, with a GAP.
#[must_use]
pub fn for_inbox(overflow: Overflow) -> Overflow {
    if policy(overflow).blocks() { Overflow::DropNewest } else { overflow }
}
