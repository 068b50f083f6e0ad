//! Lets the sessions that have used up their turns go on one at a time. Without this module, a session
//! whose turn comes would wait for the turns of all busy sessions of its thread, and sockets would not be
//! looked at for many turns.
//!
//! A session that wakes itself is polled again before the thread looks at its sockets: the executor polls
//! up to 61 tasks in between. So a busy session waits here instead. Whenever the thread has looked at its
//! sockets, and has polled everything that was ready, one busy session goes on. A session that never uses up
//! its turn waits for one turn of others at most, however many of them are busy.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Waker;

/// Has the sessions of this thread that wait for their next turn, in their order.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<(Rc<Cell<bool>>, Waker)>,
    /// The flag is true while a task lets them through.
    is_served: bool,
}

thread_local! {
    static QUEUE: RefCell<Queue> = RefCell::default();
}

/// Is the place of one session. It tells whether the session waits for its next turn.
#[derive(Default)]
pub(super) struct Turnstile {
    waits: Rc<Cell<bool>>,
}

impl Turnstile {
    /// Returns whether the session has to wait. It may write meanwhile, but takes in nothing.
    pub(super) fn is_waiting(&self) -> bool {
        self.waits.get()
    }

    /// Lets the session wait for its next turn. Its task is woken then.
    pub(super) fn wait(&self, session: &Waker) {
        self.waits.set(true);
        let starts = QUEUE.with_borrow_mut(|queue| {
            queue.waiting.push_back((self.waits.clone(), session.clone()));
            !std::mem::replace(&mut queue.is_served, true)
        });
        if starts {
            actix::spawn(let_through());
        }
    }
}

/// Wakes one waiting session after another, and lets the thread go around once before each of them.
async fn let_through() {
    while let Some((waits, session)) = next() {
        // The task goes on when the thread has looked at its sockets.
        tokio::task::yield_now().await;
        waits.set(false);
        session.wake();
    }
}

/// Returns the session that has waited for longest. Without one, the serving ends.
fn next() -> Option<(Rc<Cell<bool>>, Waker)> {
    QUEUE.with_borrow_mut(|queue| {
        let next = queue.waiting.pop_front();
        queue.is_served = next.is_some();
        next
    })
}
