//! Decodes messages for the listeners of one type of events. Without this module, `on`, `many` and
//! `on_once` would treat an event that does not decode in three ways.

use super::listen::{ListenerSubscription, caught, one_by_one};
use super::listener_error::EventRef;
use super::{Event, ListenerFault, ListenerReturn, Received, trace};
use futures_util::future::Either;
use std::future::ready;
use tracing::Instrument;

/// Decodes each message and calls `listener` with it. A message that does not decode is reported as
/// a fault.
pub(super) async fn typed<E, F, R, M>(
    subscription: ListenerSubscription,
    limit: Option<u64>,
    mut listener: F,
) where
    E: Event,
    F: FnMut(Received<E>) -> R + Send,
    R: ListenerReturn<M>,
{
    let call = |message| match Received::decode(message) {
        Ok(received) => {
            let returned = listener(received);
            Either::Left(async {
                returned.into_result_future().await.map_err(ListenerFault::failed)
            })
        }
        Err(error) => Either::Right(ready(Err(ListenerFault::undecodable::<E>(error)))),
    };
    one_by_one(subscription, limit, call).await;
}

/// Calls `listener` with the first event that decodes.
pub(super) async fn typed_once<E, F, R, M>(mut subscription: ListenerSubscription, listener: F)
where
    E: Event,
    F: FnOnce(Received<E>) -> R + Send,
    R: ListenerReturn<M>,
{
    while let Some(message) = subscription.next().await {
        let event = EventRef::of(&message);
        let received = match Received::decode(message) {
            Ok(received) => received,
            Err(error) => {
                subscription.report(Some(event), ListenerFault::undecodable::<E>(error));
                continue;
            }
        };
        let span = trace::process(&received.message);
        let call = caught(async {
            listener(received).into_result_future().await.map_err(ListenerFault::failed)
        });
        if let Err(fault) = call.instrument(span.clone()).await {
            trace::failed(&span, &fault);
            subscription.report(Some(event), fault);
        }
        return;
    }
}
