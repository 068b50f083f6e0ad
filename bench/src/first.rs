//! Sends one message before a measurement, to check that a server delivers the bytes that its
//! dialect states.
//!
//! During the measurement, messages are counted by their lengths. Without this check, a server that
//! changes messages would be measured as if it had done its work.

use crate::dialect::{Dialect, Link, Next};
use crate::error::BenchError;
use crate::payload::Message;
use std::net::SocketAddr;

/// Sends one message over new connections, and compares the delivered bytes.
///
/// # Errors
/// Returns an error if the message cannot be sent, does not arrive, or arrives in another form.
pub fn first_delivery(
    dialect: &dyn Dialect,
    addr: SocketAddr,
    topic: &str,
    message: &Message,
) -> Result<(), BenchError> {
    let topics = [topic.to_owned()];
    let expected = dialect.delivered(topic, message);
    let (mut publisher, mut subscriber) = (Link::connect(addr)?, Link::connect(addr)?);
    dialect.open_subscriber(&mut subscriber, &topics)?;
    dialect.open_publisher(&mut publisher, &topics)?;
    let mut published = Vec::new();
    dialect.publish(topic, message, &mut published);
    publisher.write(&published)?;
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
