//! Lets the tasks that have used up their turns go on one at a time. Without this module, a task whose
//! turn comes would wait for the turns of all busy tasks of its thread, and sockets would not be looked at
//! for many turns.
//!
//! A task that wakes itself is polled again before the thread looks at its sockets: the executor polls
//! up to 61 tasks in between. So a busy task waits here instead. Whenever the thread has looked at its
//! sockets, and has polled everything that was ready, one busy task goes on. A task that never uses up
//! its turn waits for one turn of others at most, however many of them are busy.
//!
//! A *round* is the time between two looks at the sockets. Many tasks that each take little can make a
//! round long, too. So tasks in the background begin no turn in a round that is over, and wait here.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Waker;
use std::time::Duration;

/// A round is over when the tasks of the thread have taken this long.
const ROUND: Duration = Duration::from_millis(2);
/// When the tasks have taken this long, somebody has to notice that the thread looks at its sockets.
/// Before that, the round is too short to matter.
const NOTICED_FROM: Duration = Duration::from_millis(1);

/// So many tasks in the background are woken at a time. They look at the round again when they begin.
const BEGIN_AT_ONCE: usize = 32;

/// The place of a task has one of these states.
const FREE: u8 = 0;
const WAITS: u8 = 1;
/// The task was let through, and has its turn whatever others have taken in this round.
const LET_THROUGH: u8 = 2;

/// Has the tasks of this thread that wait for their next turn, in their order.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<WaitingTask>,
    /// The flag is true while a task lets them through.
    is_served: bool,
}

struct WaitingTask {
    place: Arc<AtomicU8>,
    task: Waker,
    /// The task is in the background, and has not begun a turn.
    begins: bool,
}

impl WaitingTask {
    fn wake(self, state: u8) {
        self.place.store(state, Ordering::Relaxed);
        self.task.wake();
    }
}

thread_local! {
    static QUEUE: RefCell<Queue> = RefCell::default();
    /// In this round, the tasks of this thread have taken so long.
    static TAKEN: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Is the place of one task. It tells whether the task waits for its next turn.
#[derive(Debug, Default)]
pub(super) struct Turnstile(Option<Arc<AtomicU8>>);

impl Turnstile {
    fn is(&self, state: u8) -> bool {
        self.0.as_ref().is_some_and(|place| place.load(Ordering::Relaxed) == state)
    }

    /// Returns whether the task has to wait.
    pub(super) fn is_waiting(&self) -> bool {
        self.is(WAITS)
    }

    /// Lets the task wait for its next turn, behind the others. The task is woken then. `begins` states
    /// whether it is in the background, and has not begun a turn.
    ///
    /// # Panics
    /// The thread must have a local executor, as an arbiter has.
    pub(super) fn wait(&mut self, task: &Waker, begins: bool) {
        let place = self.0.get_or_insert_default().clone();
        place.store(WAITS, Ordering::Relaxed);
        let waiting = WaitingTask { place, task: task.clone(), begins };
        QUEUE.with_borrow_mut(|queue| queue.waiting.push_back(waiting));
        serve();
    }

    /// Returns whether a task in the background has to wait before it begins a turn, because it waits
    /// already or the round is over. The task is woken then.
    pub(super) fn waits_to_begin(&mut self, task: &Waker) -> bool {
        if self.is(LET_THROUGH) {
            self.0.iter().for_each(|place| place.store(FREE, Ordering::Relaxed));
            return false;
        }
        let waits = self.is_waiting();
        if !waits && TAKEN.get() >= ROUND {
            self.wait(task, true);
            return true;
        }
        waits
    }
}

/// Adds the time that a turn has taken to the round.
pub(super) fn count(took: Duration) {
    let taken = TAKEN.get() + took;
    TAKEN.set(taken);
    if taken >= NOTICED_FROM {
        serve();
    }
}

/// Starts the task that lets others through, unless it runs.
fn serve() {
    if !QUEUE.with_borrow_mut(|queue| std::mem::replace(&mut queue.is_served, true)) {
        actix::spawn(let_through());
    }
}

/// Lets one task through after another, and lets the thread go around once before each of them. More tasks
/// in the background may begin if the round still allows it.
async fn let_through() {
    let _serving = Serving;
    loop {
        // The task goes on when the thread has looked at its sockets.
        tokio::task::yield_now().await;
        TAKEN.set(Duration::ZERO);
        let next = next();
        if next.is_empty() {
            return;
        }
        for (n, task) in next.into_iter().enumerate() {
            task.wake(if n == 0 { LET_THROUGH } else { FREE });
        }
    }
}

/// Returns the task that has waited for longest, and some of those behind it that have not begun.
fn next() -> Vec<WaitingTask> {
    QUEUE.with_borrow_mut(|queue| {
        let mut next: Vec<_> = queue.waiting.pop_front().into_iter().collect();
        while (1..BEGIN_AT_ONCE).contains(&next.len())
            && let Some(more) = queue.waiting.pop_front_if(|waiting| waiting.begins)
        {
            next.push(more);
        }
        next
    })
}

/// Is held by the task that lets others through. When that task ends, also together with its executor, the
/// next task that waits starts another one.
struct Serving;

impl Drop for Serving {
    fn drop(&mut self) {
        // The queue is empty, or its tasks have ended with their executor. What they drop may come here.
        let left = QUEUE.try_with(RefCell::take);
        drop(left);
        let _ = TAKEN.try_with(|taken| taken.set(Duration::ZERO));
    }
}

/// Runs a task on a thread like that of an arbiter.
#[cfg(test)]
pub(super) fn on_an_arbiter(task: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a test may have a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, task);
}

#[cfg(test)]
mod tests {
    use super::super::turn::{Turns, give_turn};
    use super::*;
    use std::rc::Rc;
    use std::time::Instant;
    use tokio::net::UnixStream;

    /// Counts turns, and notes after which of them a byte was sent to a socket of the thread.
    struct Turnkeeper {
        turns: Cell<usize>,
        sent_after: Cell<usize>,
        to_reader: UnixStream,
    }

    impl Turnkeeper {
        fn count_turn(&self) {
            self.turns.set(self.turns.get() + 1);
        }

        fn send(&self) {
            self.to_reader.try_write(b"!").expect("the socket takes a byte");
            self.sent_after.set(self.turns.get());
        }
    }

    /// Runs `busy` on a thread with a socket. Returns how many turns passed from the moment at which a
    /// byte came to the socket until the task had its turn that waited for the byte.
    fn turns_until_read(busy: impl FnOnce(Rc<Turnkeeper>)) -> usize {
        let passed = Rc::new(Cell::new(0));
        let noted = passed.clone();
        on_an_arbiter(async move {
            let (reader, to_reader) = UnixStream::pair().expect("a pair of sockets");
            to_reader.writable().await.expect("the socket is open");
            let (turns, sent_after) = (Cell::new(0), Cell::new(0));
            let keeper = Rc::new(Turnkeeper { turns, sent_after, to_reader });
            let watch = keeper.clone();
            let reads = actix::spawn(async move {
                reader.readable().await.expect("the socket is open");
                noted.set(watch.turns.get() - watch.sent_after.get());
            });
            tokio::task::yield_now().await;
            busy(keeper);
            reads.await.expect("the reader reads");
        });
        passed.get()
    }

    #[test]
    fn between_two_turns_of_busy_tasks_a_thread_looks_at_its_sockets() {
        let passed = turns_until_read(|keeper| {
            for n in 0..50 {
                let keeper = keeper.clone();
                actix::spawn(Turns::new(async move {
                    for turn in 0..50 {
                        keeper.count_turn();
                        if (n, turn) == (20, 20) {
                            keeper.send();
                        }
                        give_turn().await;
                    }
                }));
            }
        });
        assert!(passed <= 2, "{passed} turns");
    }

    #[test]
    fn many_tasks_in_the_background_keep_no_thread_from_its_sockets() {
        let passed = turns_until_read(|keeper| {
            for n in 0..50 {
                let keeper = keeper.clone();
                actix::spawn(Turns::in_background(async move {
                    keeper.count_turn();
                    if n == 0 {
                        keeper.send();
                    }
                    // None of them uses up its turn.
                    let began = Instant::now();
                    while began.elapsed() < ROUND / 2 {}
                }));
            }
        });
        assert!(passed <= 3, "{passed} turns");
    }
}
