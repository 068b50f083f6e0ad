//! Holds what the handles of a client and its connection task share.
//!
//! Everything that is not in this state belongs to the task alone. More shared state would need
//! more locks in the path of each event.

use crate::event_sender::EventSender;
use crate::publish::PublishLog;
use crate::subscriptions::{Replies, TakenReports};
use crate::{HubUrl, Options};
use hub_core::emitter::{ClosedReason, EmitError, RequestError, SubscribeError};
use hub_wire::TopicName;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, OnceLock};
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
    /// Subscribers want to handle what is on its way to these subscriptions, and then end them.
    pub(crate) stopping: Mutex<Vec<u64>>,
    /// Wakes the connection task when an id was added to `unsubscribed` or `stopping`.
    pub(crate) unsubscribe_wake: Notify,
    /// The listeners have finished these events, and the hub has to be told.
    pub(crate) taken: Arc<TakenReports>,
    /// If this is true, new subscriptions are refused, because the client is ending.
    pub(crate) draining: AtomicBool,
    /// The client has ended, or is about to end, for this reason. It is set before any caller can
    /// notice the end.
    pub(crate) closed: OnceLock<ClosedReason>,
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
            stopping: Mutex::default(),
            unsubscribe_wake: Notify::new(),
            taken: Arc::default(),
            draining: AtomicBool::new(false),
            closed: OnceLock::new(),
            ended: watch::Sender::new(false),
        }
    }

    /// Returns why the client has ended, unless this program wanted it.
    pub(crate) fn failure(&self) -> Option<ClosedReason> {
        self.closed.get().filter(|reason| !reason.is_wanted()).cloned()
    }

    /// Returns the error of `emit` after the end.
    pub(crate) fn emit_error(&self) -> EmitError {
        self.failure().map_or(EmitError::Closed, EmitError::Ended)
    }

    /// Returns the error of `subscribe` after the end.
    pub(crate) fn subscribe_error(&self) -> SubscribeError {
        self.failure().map_or(SubscribeError::Closed, SubscribeError::Ended)
    }

    /// Returns the error of `request` after the end.
    pub(crate) fn request_error(&self) -> RequestError {
        self.failure().map_or(RequestError::Closed, RequestError::Ended)
    }
}
