//! Collects a SUBSCRIBE that comes in parts. Without this module, a client that follows very many topics
//! could not come back to its positions.

use super::state::Session;
use super::subscribe_parts::SubscribeParts;
use hub_wire::{RefusedCode, Subscribe};

impl Session {
    /// Returns the whole SUBSCRIBE with its last part. Returns `None` if more parts are to come, or if
    /// the part was refused.
    pub(super) fn collect(&mut self, part: Subscribe) -> Option<Subscribe> {
        let (id, more) = (part.id, part.more);
        let begun = self.parts.as_ref().map(|parts| parts.id);
        if begun != Some(id) {
            if !more {
                return Some(part);
            }
            if begun.is_some() {
                let message = "another SUBSCRIBE of this connection is not complete yet";
                self.refuse_subscription(id, RefusedCode::BadOption, message.to_owned());
                return None;
            }
        }
        // Each part is checked, so that a client need not send all of them to be refused.
        if let Err((code, message)) = self.check_subscribe(&part) {
            self.forget_parts(id);
            self.refuse_subscription(id, code, message);
            return None;
        }
        let parts = self.parts.get_or_insert_with(|| Box::new(SubscribeParts::of(&part)));
        if let Err((code, message)) = parts.add(&part) {
            self.forget_parts(id);
            self.refuse_subscription(id, code, message.to_owned());
            return None;
        }
        if more {
            return None;
        }
        let parts = self.parts.take()?;
        Some(Subscribe { start: parts.into_start(), ..part })
    }

    /// Forgets the parts of the SUBSCRIBE with this id. Returns whether there were any.
    pub(super) fn forget_parts(&mut self, id: u64) -> bool {
        self.parts.take_if(|parts| parts.id == id).is_some()
    }
}
