//! Lets the sessions of busy owners go on one at a time. Without this module, a session whose turn comes
//! would wait for the turns of all busy sessions of its thread, and sockets would not be looked at for many
//! turns.
//!
//! A session that wakes itself is polled again before the thread looks at its sockets: the executor polls
//! up to 61 tasks in between. Many sessions with a little work each keep it as busy. So the sessions of
//! busy owners wait here instead. Whenever the thread has looked at its sockets, they do the work of one
//! turn, in the order of the [queue](super::turn_queue). A session whose owner uses little waits for one
//! turn of others at most, however many of them are busy.

use super::turn_queue::{Owner, TurnQueue};
use crate::limits::account::AccountKey;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;
use std::time::{Duration, Instant};

/// States where a session is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    /// The session does not wait. Whether it may go on depends on what its owner has used.
    #[default]
    Free,
    Waits,
    /// The session has waited, and takes its turn when it is polled.
    LetThrough,
}

/// Stands for a session that waits.
enum Waiting {
    /// Where the session is, and what wakes its task.
    Turn(Rc<Cell<Place>>, Waker),
    /// The session begins when this is called.
    Start(Box<dyn FnOnce()>),
}

/// To begin and to end a session takes about this long, besides its turns.
const START: Duration = Duration::from_micros(50);

thread_local! {
    static QUEUE: RefCell<TurnQueue<Waiting>> = RefCell::default();
}

/// Begins a session of this owner, at once or when its turn comes. Otherwise an owner that connects again
/// and again would keep the thread busy with sessions that have not begun.
pub(super) fn start(owner: AccountKey, session: impl FnOnce() + 'static) {
    let now = Instant::now();
    let owner = QUEUE.with_borrow_mut(|queue| queue.owner(owner, now));
    if QUEUE.with_borrow(|queue| queue.must_wait(&owner, now)) {
        wait(&owner, Waiting::Start(Box::new(session)), false);
    } else {
        QUEUE.with_borrow_mut(|queue| queue.spend(&owner, START, now));
        session();
    }
}

fn wait(owner: &Rc<Owner<Waiting>>, session: Waiting, busy: bool) {
    if QUEUE.with_borrow_mut(|queue| queue.wait(owner, session, busy)) {
        actix::spawn(let_through());
    }
}

/// Is the place of one session.
#[derive(Default)]
pub(super) struct Turnstile {
    place: Rc<Cell<Place>>,
    owner: Option<Rc<Owner<Waiting>>>,
    /// The flag is true once the owner is that of the client. Before, it is the address.
    is_admitted: bool,
}

impl Turnstile {
    /// Has the turns of the session count for an owner, which `owner` names. The owner changes when the
    /// client is admitted.
    pub(super) fn belong_to(&mut self, is_admitted: bool, owner: impl FnOnce() -> AccountKey) {
        if self.owner.is_none() || self.is_admitted != is_admitted {
            let owner = QUEUE.with_borrow_mut(|queue| queue.owner(owner(), Instant::now()));
            (self.owner, self.is_admitted) = (Some(owner), is_admitted);
        }
    }

    /// Returns whether the session has to wait. It may write meanwhile, but takes in nothing. Its task is
    /// woken when its turn comes.
    pub(super) fn must_wait(&self, session: &Waker, now: Instant) -> bool {
        if let (Place::Free, Some(owner)) = (self.place.get(), &self.owner)
            && QUEUE.with_borrow(|queue| queue.must_wait(owner, now))
        {
            self.join(session, false);
        }
        self.place.get() == Place::Waits
    }

    /// Lets a session that has used up its turn wait for the next one. Its task is woken then.
    pub(super) fn wait(&self, session: &Waker) {
        self.join(session, true);
    }

    fn join(&self, session: &Waker, busy: bool) {
        let Some(owner) = &self.owner else { return session.wake_by_ref() };
        self.place.set(Place::Waits);
        wait(owner, Waiting::Turn(self.place.clone(), session.clone()), busy);
    }

    /// Counts what the session has done since `began`, and lets the next one go on if this round has time
    /// for it.
    pub(super) fn end_turn(&self, began: Instant) {
        if self.place.get() == Place::LetThrough {
            self.place.set(Place::Free);
        }
        let now = Instant::now();
        QUEUE.with_borrow_mut(|queue| {
            if let Some(owner) = &self.owner {
                queue.spend(owner, now.saturating_duration_since(began), now);
            }
        });
        go_on();
    }
}

/// Lets the next waiting session go on, if this round has time for it.
fn go_on() {
    while let Some((owner, next)) = QUEUE.with_borrow_mut(TurnQueue::next) {
        match next {
            Waiting::Turn(place, session) => {
                place.set(Place::LetThrough);
                return session.wake();
            }
            Waiting::Start(session) => {
                QUEUE.with_borrow_mut(|queue| queue.spend(&owner, START, Instant::now()));
                session();
            }
        }
    }
}

/// Begins a round, and lets the first session of it go on, for as long as sessions wait.
async fn let_through() {
    let _serving = Serving;
    while QUEUE.with_borrow(|queue| !queue.is_empty()) {
        // The task goes on when the thread has looked at its sockets.
        tokio::task::yield_now().await;
        QUEUE.with_borrow_mut(TurnQueue::begin_round);
        go_on();
    }
}

/// Is held by the task that lets sessions through. If that task ends because its executor ends, the sessions
/// that wait end with it.
struct Serving;

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = QUEUE.try_with(|queue| {
            if !queue.borrow().is_empty() {
                drop(queue.take());
            }
        });
    }
}
