//! Implements the directory's handle to a session: each method sends a message to the session.
//! Without this module, the directory would have to know the session.

use super::messages::{
    AccessChanged, BeginClose, CountPending, Replaced, StopReading, TrustChanged,
};
use super::state::Session;
use crate::directory::session_handle::{SessionHandle, SharedPermit, ShedLoad};
use actix::Addr;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::HashMap;

impl SessionHandle for Addr<Session> {
    fn access_changed(&self) {
        self.do_send(AccessChanged);
    }

    fn trust_changed(&self) {
        self.do_send(TrustChanged);
    }

    fn shed_load(&self, load: ShedLoad) {
        let _ = self.try_send(load);
    }

    fn count_pending(&self) -> BoxFuture<'static, HashMap<u64, u64>> {
        self.send(CountPending).map(Result::unwrap_or_default).boxed()
    }

    fn stop_reading(&self) -> BoxFuture<'static, ()> {
        self.send(StopReading).map(|_| ()).boxed()
    }

    fn begin_close(&self) {
        self.do_send(BeginClose);
    }

    fn replace(&self, newer: SharedPermit) -> BoxFuture<'static, bool> {
        self.send(Replaced(newer)).map(|answer| answer.is_ok()).boxed()
    }
}
