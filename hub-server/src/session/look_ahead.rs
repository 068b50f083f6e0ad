//! Handles TAKEN and ACK frames while the events in front of them wait. A client that publishes and
//! listens on one connection would otherwise stand still: its events wait for room at a subscriber,
//! that subscriber waits for this client to finish events, and the client has said so already in a
//! frame behind its events.
//!
//! TAKEN and ACK are about deliveries and not about the events of the client, so they may be handled
//! early. The session looks no further than to the first frame that may change which deliveries they
//! mean.

use super::intake::READ_BYTES;
use super::state::{Session, SessionState};
use super::turns::CONTROL_WORK;
use super::waits_for::WaitsFor;
use actix::prelude::*;
use hub_wire::{Frame, FrameType, split};
use std::task::Context as TaskContext;

/// While its events wait, the session carries at most about this many bytes of the client, so that it
/// reads TAKEN and ACK frames that come later.
const MOST_CARRIED: usize = READ_BYTES;
/// This bound replaces [`MOST_CARRIED`] for a client that is above its rate. The other bytes that it
/// may not send yet stay in its socket.
const MOST_CARRIED_ABOVE_RATE: usize = 16 * 1024;
/// One read ahead takes at most this many bytes.
const READ: usize = 16 * 1024;

impl Session {
    /// Reads ahead within a bound, and handles the TAKEN and ACK frames among the bytes that the
    /// session carries. The task is woken when more bytes come, as long as the bound allows more.
    pub(super) fn look_ahead(
        &mut self,
        reason: WaitsFor,
        ctx: &mut Context<Self>,
        task: &mut TaskContext<'_>,
    ) {
        let most = match reason {
            WaitsFor::Limits => MOST_CARRIED_ABOVE_RATE,
            _ => MOST_CARRIED,
        };
        self.handle_ahead(ctx);
        while self.state == SessionState::Open
            && !self.left.gives_turn
            && self.carry.len() < most
            && self.is_calm()
            && self.socket.poll_read_ready(task).is_ready()
        {
            // A buffer of its own bounds the read. The carried bytes must not exceed the bound, or the
            // session would be ended when memory gets short.
            let mut more = Vec::with_capacity(READ.min(most - self.carry.len()));
            match self.socket.read_to_end_of(&mut more) {
                // The end of the input, and an error of the socket, come again when the events do not
                // wait any more.
                Ok(0) => return,
                Ok(read) => {
                    self.count_read(read);
                    self.carry.reserve_exact(more.len());
                    self.carry.extend_from_slice(&more);
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
            self.unfinished = true;
            self.handle_ahead(ctx);
            self.count_held();
        }
    }

    /// Takes the TAKEN and ACK frames out of the bytes that the session carries, and handles them until
    /// the turn is over.
    fn handle_ahead(&mut self, ctx: &mut Context<Self>) {
        let limits = self.hub.limits.wire;
        let mut carry = std::mem::take(&mut self.carry);
        // The frames before `kept` stay in front, and the frames before `at` are looked at. Each frame
        // moves once, however many frames are taken out before it.
        let (mut kept, mut at) = (self.looked_ahead, self.looked_ahead);
        while self.state == SessionState::Open && !self.left.gives_turn {
            let Some(Ok(Some(body))) = carry.get(at..).map(|rest| split(rest, limits.frame)) else {
                break;
            };
            let end = at + 4 + body.len();
            match FrameType::of(body) {
                Ok(FrameType::Event | FrameType::Ping | FrameType::Pong) => {
                    if kept < at {
                        carry.copy_within(at..end, kept);
                    }
                    kept += end - at;
                }
                Ok(FrameType::Taken | FrameType::Ack) => {
                    match Frame::parse(body, &limits) {
                        Ok(Frame::Taken(taken)) => self.taken(&taken, ctx),
                        Ok(Frame::Ack(ack)) => self.acknowledge(ack, ctx),
                        _ => self.control(body, ctx), // The frame is malformed, and ends the session.
                    }
                    self.spend(CONTROL_WORK);
                }
                _ => break,
            }
            at = end;
        }
        if self.state == SessionState::Open {
            carry.drain(kept..at);
            (self.carry, self.looked_ahead) = (carry, kept);
        }
    }
}
