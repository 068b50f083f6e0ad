//! Compares Hub's scrub with Datadog's scanner: twelve detectors over 1,000 messages of about 600
//! bytes, on one thread, in turns. `bash bench/scanners.sh` calls it.

mod kinds;
#[allow(dead_code, reason = "each bench uses a part of it")]
#[path = "../../../hub-scrub/benches/messages/mod.rs"]
mod messages;
mod sides;

use dd_sds::{Event, Scanner};
use hub_scrub::{Plan, Scratch, Verdict, ViewId};
use kinds::Kind;
use messages::{Message, as_msgpack};
use rustix::time::{ClockId, clock_gettime};
use sides::{Fields, REDACTED, as_text};
use std::error::Error;
use std::hint::black_box;

const MESSAGES: usize = 1000;
/// How many times one side goes over all messages before the other side has its turn.
const PASSES: usize = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let rounds: usize = arguments.next().map_or(Ok(9), |rounds| rounds.parse())?;
    let seed: u64 = arguments.next().map_or(Ok(7), |seed| seed.parse())?;
    if rounds == 0 {
        return Err("at least one round".into());
    }

    let kinds = kinds::kinds();
    let (scanner, plan) = (sides::scanner(&kinds)?, sides::plan(&kinds)?);
    println!("seed {seed}, {rounds} rounds of {PASSES} passes over {MESSAGES} messages\n");
    let sets = [("clean", 0), ("one in ten has a secret", 10)]
        .map(|(name, every)| (name, Set::new(&kinds, every, seed)));
    for (name, set) in &sets {
        set.check(name, &scanner, &plan)?;
    }
    println!(
        "\n| ns a message, median (least to greatest) | crate, by field | crate, as one text \
         | hub | crate / hub |\n|---|---|---|---|---|"
    );
    for (name, set) in &sets {
        let mut columns = [const { Vec::new() }; 4];
        for _ in 0..rounds {
            let fields = crate_ns(&scanner, &set.fields);
            let text = crate_ns(&scanner, &set.texts);
            let hub = hub_ns(&plan, &set.packed);
            // The crate gets the form of a message that suits it better.
            let ratio = fields.min(text) / hub;
            for (column, figure) in columns.iter_mut().zip([fields, text, hub, ratio]) {
                column.push(figure);
            }
        }
        let [fields, text, hub, ratio] = columns;
        println!(
            "| {name} | {} | {} | {} | {} |",
            spread(fields, 0),
            spread(text, 0),
            spread(hub, 0),
            spread(ratio, 2)
        );
    }
    Ok(())
}

/// The messages in each form, and as they should be after redaction.
struct Set {
    fields: Vec<Fields>,
    texts: Vec<String>,
    packed: Vec<Vec<u8>>,
    redacted: Vec<Message>,
    planted: usize,
}

impl Set {
    /// Each message gets a line of prose. One in `every` messages has a secret, of each kind in
    /// turn; 0 means that none has.
    fn new(kinds: &[Kind], every: usize, seed: u64) -> Set {
        let prose = |what: &str| {
            format!("the customer wrote {what} and wants it left behind the neighbour's green door")
        };
        let mut messages = messages::messages(MESSAGES, 0, seed);
        let mut redacted = messages.clone();
        let mut planted = 0;
        for (n, (message, should)) in messages.iter_mut().zip(&mut redacted).enumerate() {
            let (text, shown) = if n.checked_rem(every) == Some(0) {
                let kind = &kinds[planted % kinds.len()];
                planted += 1;
                (kind.text, kind.text.replace(kind.secret, REDACTED))
            } else {
                ("nothing", "nothing".into())
            };
            message.push(("detail", prose(text)));
            should.push(("detail", prose(&shown)));
        }
        Set {
            texts: messages.iter().map(as_text).collect(),
            packed: messages.iter().map(as_msgpack).collect(),
            fields: messages.into_iter().map(Fields).collect(),
            redacted,
            planted,
        }
    }

    /// Checks that both sides turn each message into what it should be. Only then did they do equal
    /// work.
    fn check(&self, name: &str, scanner: &Scanner, plan: &Plan) -> Result<(), Box<dyn Error>> {
        let mut scratch = Scratch::default();
        let mut finds = [0; 3];
        for (n, should) in self.redacted.iter().enumerate() {
            let (mut fields, mut text) = (self.fields[n].clone(), self.texts[n].clone());
            finds[0] += scan(scanner, &mut fields)?;
            finds[1] += scan(scanner, &mut text)?;
            let verdict = plan.scrub(&self.packed[n], None, &mut scratch);
            finds[2] += scratch.applied().map(|rule| rule.hits as usize).sum::<usize>();
            let shown = verdict.render(ViewId::DEFAULT, &self.packed[n], None);
            let right = [
                fields.0 == *should,
                text == as_text(should),
                shown.is_some_and(|(payload, _)| payload == as_msgpack(should)),
            ];
            if right != [true; 3] {
                return Err(format!(
                    "{name}: crate by field, crate as one text, hub: {right:?}, where {:?} should \
                     become {should:?}",
                    self.fields[n].0
                )
                .into());
            }
        }
        if finds != [self.planted; 3] {
            return Err(format!("{name}: {} planted, found {finds:?}", self.planted).into());
        }
        println!(
            "{name}: {} bytes a message, {} secrets; found and redacted: {} by the crate, field by \
             field, {} as one text, {} by the hub; nothing else changed",
            self.packed.iter().map(Vec::len).sum::<usize>() / MESSAGES,
            self.planted,
            finds[0],
            finds[1],
            finds[2],
        );
        Ok(())
    }
}

fn scan(scanner: &Scanner, event: &mut impl Event) -> Result<usize, Box<dyn Error>> {
    Ok(scanner.scan(event).map_err(|error| format!("the crate: {error:?}"))?.len())
}

/// The crate redacts in place, so it gets copies. Making and freeing them is not counted.
fn crate_ns<E: Event + Clone>(scanner: &Scanner, events: &[E]) -> f64 {
    let mut ns = 0;
    for _ in 0..PASSES {
        let mut copies = events.to_vec();
        ns += timed(|| {
            for event in &mut copies {
                let _ = black_box(scanner.scan(black_box(event)));
            }
        });
    }
    ns as f64 / (PASSES * events.len()) as f64
}

fn hub_ns(plan: &Plan, packed: &[Vec<u8>]) -> f64 {
    let mut scratch = Scratch::default();
    let ns = timed(|| {
        for payload in (0..PASSES).flat_map(|_| packed) {
            black_box::<Verdict>(plan.scrub(black_box(payload), None, &mut scratch));
        }
    });
    ns as f64 / (PASSES * packed.len()) as f64
}

/// Returns the processor time of this thread in nanoseconds. Other programs on the machine affect
/// it least.
fn timed(work: impl FnOnce()) -> i64 {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec * 1_000_000_000 + time.tv_nsec
    };
    let before = now();
    work();
    now() - before
}

fn spread(mut figures: Vec<f64>, digits: usize) -> String {
    figures.sort_by(f64::total_cmp);
    let (least, greatest) = (figures[0], figures[figures.len() - 1]);
    let median = (figures[(figures.len() - 1) / 2] + figures[figures.len() / 2]) / 2.0;
    format!("{median:.digits$} ({least:.digits$} to {greatest:.digits$})")
}
