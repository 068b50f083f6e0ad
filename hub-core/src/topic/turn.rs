//! Bounds the time for which one actor keeps its thread. Without a bound, a client whose few bytes
//! cause much work would keep all other clients of its thread waiting.
//!
//! A *turn* is the time from the moment at which the runtime polls an actor to the moment at which the
//! actor lets the next one run. Long work asks [`turn_is_over`] from time to time, stops when that is
//! the case, and goes on in its next turn. The clock costs some 30 ns, so work in small steps counts
//! with a [`TurnMeter`] first.

use super::turnstile::{self, Turnstile};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// An actor gives its thread to the others after this time. A step between two looks at the clock may
/// take about as long, and the sum stays below 5 ms.
const TURN: Duration = Duration::from_millis(2);
/// A [`TurnMeter`] looks at the clock when so much work is done. A unit is about a nanosecond.
const WORK_A_LOOK: usize = 16 * 1024;
/// A thread reads the clock of its processor time no more often than this, because the read is a
/// system call.
const BETWEEN_READINGS: Duration = Duration::from_millis(1);

thread_local! {
    /// The present turn of this thread began at this time.
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
    static WATCH: RefCell<Option<Watched>> = const { RefCell::new(None) };
}

/// Returns whether the present turn of this thread has taken so long that the others must have their
/// turn. Outside of a [`Turns`], this is never the case.
#[must_use]
pub fn turn_is_over() -> bool {
    has_taken(TURN)
}

/// Returns whether the present turn of this thread has taken half of the time that it may. Work that is not
/// worth beginning if it cannot be finished in the same turn asks this first.
#[must_use]
pub fn turn_is_half_over() -> bool {
    has_taken(TURN / 2)
}

/// Returns how much processor time the present turn has taken, within a millisecond, if the turn has taken
/// this long. Where nobody watches the thread, that is all of the time.
#[must_use]
pub fn processor_time_of_turn(took: Duration) -> Duration {
    if took < BETWEEN_READINGS {
        return took; // A shorter turn is not worth a system call.
    }
    WATCH.with_borrow(|watch| watch.as_ref().map_or(took, |watched| watched.of_turn(took)))
}

/// Returns whether the present turn of this thread has taken so long.
fn has_taken(time: Duration) -> bool {
    BEGAN.get().is_some_and(|began| began.elapsed() >= time)
}

/// Ends the turn of the present task, which goes on when the others of its thread have had theirs and
/// the thread has looked at its sockets.
pub async fn give_turn() {
    let (mut turnstile, mut waits) = (Turnstile::default(), false);
    poll_fn(|task| {
        if !std::mem::replace(&mut waits, true) {
            turnstile.wait(task.waker(), false);
        }
        if turnstile.is_waiting() { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
}

/// Adds up work that is too small to look at the clock each time.
#[derive(Debug, Default)]
pub struct TurnMeter(usize);

impl TurnMeter {
    /// Adds work, in units of about a nanosecond. Returns whether the turn is over.
    #[inline]
    pub fn spend(&mut self, work: usize) -> bool {
        self.0 += work;
        if self.0 < WORK_A_LOOK {
            return false;
        }
        self.0 = 0;
        turn_is_over()
    }
}

/// Runs a task in turns: each poll is one turn.
#[derive(Debug)]
pub struct Turns<F> {
    task: Pin<Box<F>>,
    /// A task in the background begins no turn in a round that is over, and waits here.
    background: Option<Turnstile>,
}

impl<F> Turns<F> {
    /// Returns the task, which begins its first turn when it is polled.
    pub fn new(task: F) -> Self {
        Turns { task: Box::pin(task), background: None }
    }

    /// Returns the task as one in the background. When many tasks of the thread have something to do, it
    /// lets the thread look at its sockets first, and those for whom something has come have their turn.
    pub fn in_background(task: F) -> Self {
        Turns { background: Some(Turnstile::default()), ..Turns::new(task) }
    }
}

impl<F: Future> Future for Turns<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        if let Some(turnstile) = &mut self.background
            && turnstile.waits_to_begin(task.waker())
        {
            return Poll::Pending;
        }
        let _turn = Turn::begin();
        self.task.as_mut().poll(task)
    }
}

/// Stands for the present turn, which ends when the value is dropped.
struct Turn(Instant);

impl Turn {
    fn begin() -> Self {
        let now = Instant::now();
        BEGAN.set(Some(now));
        WATCH.with_borrow_mut(|watch| watch.iter_mut().for_each(|watched| watched.refresh(now)));
        Turn(now)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        BEGAN.set(None);
        let took = self.0.elapsed();
        turnstile::count(took);
        WATCH.with_borrow(|watch| watch.iter().for_each(|watched| watched.note(took)));
    }
}

/// Notes the longest turn of a thread.
#[derive(Debug, Default)]
pub struct ThreadWatch {
    longest: AtomicU64,
}

impl ThreadWatch {
    /// Returns the longest turn so far. A turn counts with the processor time that it took, within a
    /// millisecond, so the figure does not grow when other programs keep the processor.
    #[must_use]
    pub fn longest(&self) -> Duration {
        Duration::from_nanos(self.longest.load(Ordering::Relaxed))
    }

    /// Watches the present thread from now on. `processor_time` returns how much processor time the
    /// present thread has used.
    pub fn watch_thread(self: Arc<Self>, processor_time: fn() -> Duration) {
        let used = processor_time();
        let read_at = Instant::now();
        let watched = Watched { watch: self, processor_time, used, read_at };
        WATCH.set(Some(watched));
    }
}

/// Watches one thread.
struct Watched {
    watch: Arc<ThreadWatch>,
    processor_time: fn() -> Duration,
    /// The thread had used this much processor time when it was last read.
    used: Duration,
    read_at: Instant,
}

impl Watched {
    /// Reads the processor time at the beginning of a turn, unless it was read a moment ago.
    fn refresh(&mut self, now: Instant) {
        if now - self.read_at >= BETWEEN_READINGS {
            (self.used, self.read_at) = ((self.processor_time)(), now);
        }
    }

    /// Notes a turn that took this long, if it is the longest.
    fn note(&self, took: Duration) {
        if took > self.watch.longest() {
            let took = self.of_turn(took).as_nanos() as u64;
            self.watch.longest.fetch_max(took, Ordering::Relaxed);
        }
    }

    /// Returns how much processor time the present turn has taken, if it has taken this long.
    fn of_turn(&self, took: Duration) -> Duration {
        // The difference includes turns since the last reading, which took less than a moment.
        took.min((self.processor_time)().saturating_sub(self.used))
    }
}

#[cfg(test)]
mod tests {
    use super::turnstile::on_an_arbiter;
    use super::*;
    use std::rc::Rc;

    /// Runs a task on a thread like that of an arbiter until it ends, and returns the number of polls.
    fn polls(task: impl Future<Output = ()> + 'static) -> usize {
        let (mut task, polls) = (Turns::new(task), Rc::new(Cell::new(0)));
        let counted = polls.clone();
        on_an_arbiter(async move {
            let task = poll_fn(move |context| {
                counted.set(counted.get() + 1);
                Pin::new(&mut task).poll(context)
            });
            actix::spawn(task).await.unwrap();
        });
        polls.get()
    }

    #[test]
    fn a_turn_is_over_when_its_time_is_over_and_only_within_turns() {
        let spin = |time| {
            let began = Instant::now();
            while began.elapsed() < time {}
        };
        assert!(!turn_is_over());
        spin(TURN);
        assert!(!turn_is_over(), "no turn has begun");
        let polled = polls(async move {
            spin(TURN);
            assert!(turn_is_over());
            give_turn().await;
            let mut meter = TurnMeter::default();
            assert!(!meter.spend(WORK_A_LOOK - 1));
            spin(TURN);
            assert!(meter.spend(1) && !meter.spend(1), "the clock is read when enough is done");
        });
        assert_eq!((polled, turn_is_over()), (2, false));
    }

    #[test]
    fn the_longest_turn_is_noted_with_the_time_of_the_processor() {
        thread_local!(static USED: Cell<Duration> = const { Cell::new(Duration::ZERO) });
        let watch = Arc::new(ThreadWatch::default());
        watch.clone().watch_thread(|| USED.get());
        let sleep = Duration::from_millis(3);
        polls(async move {
            USED.set(Duration::from_millis(1));
            std::thread::sleep(sleep);
        });
        assert_eq!(watch.longest(), Duration::from_millis(1), "the rest was not its own");
        polls(async move {
            USED.set(Duration::from_secs(9));
            std::thread::sleep(sleep);
        });
        assert!((sleep..Duration::from_secs(8)).contains(&watch.longest()), "{watch:?}");
    }
}
