//! Holds what the handles of a client and its connection task share.
//!
//! Everything that is not in this state belongs to the task alone. More shared state would need
//! more locks in the path of each event.

use crate::events::EventSender;
use crate::publish::PublishLog;
use crate::subscriptions::Replies;
use crate::{HubUrl, Options};
use hub_wire::TopicName;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use tokio::sync::{Notify, watch};

/// Holds what the handles of a client and its connection task both use.
#[derive(Debug)]
pub(crate) struct ClientState {
    pub(crate) url: HubUrl,
    pub(crate) options: Options,
    pub(crate) instance: [u8; 16],
    pub(crate) log: PublishLog,
    pub(crate) events: EventSender,
    pub(crate) replies: Arc<Replies>,
    /// While replies can arrive, this field has the topic of the inbox.
    pub(crate) inbox: Mutex<Option<TopicName>>,
    pub(crate) next_subscription: AtomicU64,
    /// Subscribers have dropped the subscriptions with these ids. Each id is added once.
    pub(crate) unsubscribed: Mutex<Vec<u64>>,
    /// Wakes the connection task when an id was added to `unsubscribed`.
    pub(crate) unsubscribe_wake: Notify,
    /// If this is true, new subscriptions are refused, because the client is ending.
    pub(crate) draining: AtomicBool,
    /// The value is true once the client has ended.
    pub(crate) ended: watch::Sender<bool>,
}

impl ClientState {
    pub(crate) fn new(url: HubUrl, options: Options, instance: [u8; 16]) -> Self {
        ClientState {
            log: PublishLog::new(options.publish_log_bytes, options.refusals_kept),
            events: EventSender::new(options.events_kept),
            url,
            options,
            instance,
            replies: Arc::default(),
            inbox: Mutex::new(None),
            next_subscription: AtomicU64::new(1),
            unsubscribed: Mutex::default(),
            unsubscribe_wake: Notify::new(),
            draining: AtomicBool::new(false),
            ended: watch::Sender::new(false),
        }
    }
}
