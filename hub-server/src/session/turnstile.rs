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
use hub_core::topic::processor_time_of_turn;
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
    /// The flag is true while a task begins the rounds. Each of two tasks would begin a round when the thread
    /// has looked at its sockets.
    static IS_SERVED: Cell<bool> = const { Cell::new(false) };
    /// Is the place of the session that was let through last.
    static LET_THROUGH: RefCell<Option<Rc<Cell<Place>>>> = const { RefCell::new(None) };
}

/// Begins a session of this owner, at once or when its turn comes. Otherwise an owner that connects again
/// and again would keep the thread busy with sessions that have not begun.
pub(super) fn start(owner: AccountKey, session: impl FnOnce() + 'static) {
    let now = Instant::now();
    let owner = QUEUE.with_borrow_mut(|queue| queue.owner(owner, now));
    if QUEUE.with_borrow(|queue| queue.must_wait(&owner, now)) {
        wait(&owner, Waiting::Start(Box::new(session)), false);
    } else {
        QUEUE.with_borrow_mut(|queue| queue.spend(&owner, START, START, now));
        session();
    }
}

fn wait(owner: &Rc<Owner<Waiting>>, session: Waiting, busy: bool) {
    QUEUE.with_borrow_mut(|queue| queue.wait(owner, session, busy));
    if !IS_SERVED.replace(true) {
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
        let took = now.saturating_duration_since(began);
        QUEUE.with_borrow_mut(|queue| {
            if let Some(owner) = &self.owner {
                queue.spend(owner, took, processor_time_of_turn(took), now);
            }
        });
        go_on();
    }
}

/// Lets the next waiting session go on, if this round has time for it. What a session takes is only known
/// when it has taken its turn, so the next one waits for that, or for its end.
fn go_on() {
    if one_is_under_way() {
        return;
    }
    while let Some((owner, next)) = QUEUE.with_borrow_mut(TurnQueue::next) {
        match next {
            Waiting::Turn(place, session) => {
                place.set(Place::LetThrough);
                LET_THROUGH.set(Some(place));
                return session.wake();
            }
            Waiting::Start(session) => {
                QUEUE.with_borrow_mut(|queue| queue.spend(&owner, START, START, Instant::now()));
                session();
            }
        }
    }
}

/// Returns whether the session that was let through last lives, and has not taken its turn.
fn one_is_under_way() -> bool {
    let is_under_way =
        |place: &Rc<Cell<Place>>| place.get() == Place::LetThrough && Rc::strong_count(place) > 1;
    LET_THROUGH.with_borrow(|last| last.as_ref().is_some_and(is_under_way))
}

/// Begins a round, and lets the first session of it go on, for as long as sessions wait.
async fn let_through() {
    let _serving = Serving;
    while QUEUE.with_borrow(|queue| !queue.is_empty()) {
        // The task goes on when the thread has looked at its sockets.
        tokio::task::yield_now().await;
        // A session that has not taken its turn by now waits for something else, such as a scrub.
        LET_THROUGH.set(None);
        QUEUE.with_borrow_mut(TurnQueue::begin_round);
        go_on();
    }
}

/// Is held by the task that lets sessions through. If that task ends because its executor ends, the sessions
/// that wait end with it.
struct Serving;

impl Drop for Serving {
    fn drop(&mut self) {
        IS_SERVED.set(false);
        let _ = QUEUE.try_with(|queue| {
            if !queue.borrow().is_empty() {
                drop(queue.take());
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::turn_queue::ROUND;
    use super::*;
    use std::future::poll_fn;
    use std::task::Poll;

    /// A turn counts as this long, and takes no time.
    const TOOK: Duration = Duration::from_micros(500);
    const LOOKS: usize = 200;

    /// Runs a session that always has something to do, and counts its turns.
    async fn always_busy(owner: AccountKey, turns: Rc<Cell<usize>>) {
        let mut turnstile = Turnstile::default();
        turnstile.belong_to(true, || owner);
        poll_fn(|task| {
            if !turnstile.must_wait(task.waker(), Instant::now()) {
                turns.set(turns.get() + 1);
                let began = Instant::now().checked_sub(TOOK);
                turnstile.end_turn(began.expect("the machine has run for a while"));
                turnstile.wait(task.waker());
            }
            Poll::<()>::Pending
        })
        .await;
    }

    /// Runs a session that does next to nothing whenever the thread has looked at its sockets.
    async fn always_light(owner: AccountKey) {
        let mut turnstile = Turnstile::default();
        turnstile.belong_to(true, || owner);
        loop {
            tokio::task::yield_now().await;
            turnstile.end_turn(Instant::now());
        }
    }

    /// Runs a session that waits for something else when its turn comes.
    async fn never_there(owner: AccountKey) {
        let mut turnstile = Turnstile::default();
        turnstile.belong_to(true, || owner);
        let mut waits = false;
        poll_fn(|task| {
            if !std::mem::replace(&mut waits, true) {
                turnstile.wait(task.waker());
            }
            Poll::<()>::Pending
        })
        .await;
    }

    fn identity(name: impl ToString) -> AccountKey {
        AccountKey::Identity(name.to_string().into())
    }

    /// Runs three sessions of each of three busy owners, beside those that `others` spawns. Checks that between
    /// two looks at the sockets, the busy ones do the work of one turn. They wait at once and again and again,
    /// so at times nobody waits in between.
    fn one_turn_fits_between_two_looks(others: impl FnOnce()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.expect("a test may have a runtime");
        tokio::task::LocalSet::new().block_on(&runtime, async {
            let turns = Rc::new(Cell::new(0));
            for owner in 0..3 {
                for _ in 0..3 {
                    actix::spawn(always_busy(identity(owner), turns.clone()));
                }
            }
            others();
            for _ in 0..LOOKS {
                // The task goes on when the thread has looked at its sockets.
                tokio::task::yield_now().await;
            }
            let fit = LOOKS * (ROUND.as_micros() / TOOK.as_micros()) as usize;
            assert!(turns.get() >= fit, "{} turns: the sessions go on", turns.get());
            // The owners are light at first, and a turn takes a little more than it counts.
            assert!(turns.get() <= fit + fit / 4, "{} turns, {fit} fit", turns.get());
        });
    }

    #[test]
    fn between_two_looks_at_the_sockets_busy_owners_do_the_work_of_one_turn() {
        one_turn_fits_between_two_looks(|| ());
    }

    #[test]
    fn light_sessions_that_end_a_turn_let_no_further_busy_session_through() {
        one_turn_fits_between_two_looks(|| {
            for owner in 10..20 {
                actix::spawn(always_light(identity(owner)));
            }
        });
    }

    #[test]
    fn a_session_that_waits_for_something_else_when_its_turn_comes_holds_nobody_up() {
        one_turn_fits_between_two_looks(|| {
            actix::spawn(never_there(identity(0)));
        });
    }
}
