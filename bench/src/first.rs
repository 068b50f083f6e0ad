//! One message, to see that a server delivers what its dialect says.

use crate::dialect::{Dialect, Link, Next};
use crate::{BenchError, Payload};
use std::net::SocketAddr;

/// Sends one message over new connections and compares what is delivered byte for byte.
///
/// # Errors
/// It cannot be sent, does not come, or comes in another form.
pub fn first_delivery(
    dialect: &dyn Dialect,
    addr: SocketAddr,
    topic: &str,
    payload: &Payload,
) -> Result<(), BenchError> {
    let topics = [topic.to_owned()];
    let expected = dialect.delivered(topic, payload);
    let (mut publisher, mut subscriber) = (Link::connect(addr)?, Link::connect(addr)?);
    dialect.open_subscriber(&mut subscriber, &topics)?;
    dialect.open_publisher(&mut publisher, &topics)?;
    let mut message = Vec::new();
    dialect.publish(topic, payload, &mut message);
    publisher.write(&message)?;
    let mut at = 0;
    let came = subscriber.read_until(|bytes| {
        loop {
            match dialect.next(&bytes[at..])? {
                Next::Control { len, .. } => at += len,
                Next::Messages { skip, .. } if bytes.len() >= at + skip + expected.len() => {
                    return Ok(Some((bytes.len(), bytes[at + skip..].to_vec())));
                }
                _ => return Ok(None),
            }
        }
    })?;
    if came != expected {
        let what = "another message than the one that was sent, or in another form";
        return Err(BenchError::Server(what.into()));
    }
    Ok(())
}
