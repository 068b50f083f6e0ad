"""Section 7: what happens when too much waits."""

from suite import floods
from suite.check import Section
from suite.client import Gap
from suite.floods import BIG, accounted, asleep, fill, flood, framed
from suite.frames import EVENT, GAPS, RUN

S = Section("7")


def keeps_the_oldest(got):
    """Whether the events are those from before the queue was full. A small one may still have fitted later."""
    first_gap = [isinstance(d, Gap) for d in got].index(True)
    return first_gap > sum(not isinstance(d, Gap) for d in got[first_gap:])


@S.check(
    "`drop-oldest` | Drops the oldest",
    "The hub keeps a queue of limited size",
    "When the queue is full",
    "The hub announces whatever it drops",
    ("14", "1 | `overflow`"),
    hub="small",
)
def drop_oldest_keeps_the_newest(t):
    c, many = asleep(t, t.topic(), overflow="drop-oldest"), 700
    flood(t, t.topic(), many)
    got = c.take(many)
    accounted(t, got, many)
    gaps = [d for d in got if isinstance(d, Gap)]
    t.true(gaps and {g.reason for g in gaps} == {GAPS["overflow"]}, f"the gaps {gaps}")
    t.equal(got[-1].number, many, "the last event")
    t.true(got[0].number == 1, "the first event was sent before the queue was full")


@S.check("`overflow` | str", hub="small")
def the_default_is_drop_oldest(t):
    c, many = asleep(t, t.topic()), 700
    flood(t, t.topic(), many)
    got = c.take(many)
    accounted(t, got, many)
    t.true(any(isinstance(d, Gap) for d in got), "nothing was dropped")
    t.equal(got[-1].number, many, "the last event")


@S.check("`drop-newest` | Drops the event", hub="small")
def drop_newest_keeps_the_oldest(t):
    c, many = asleep(t, t.topic(), overflow="drop-newest"), 700
    flood(t, t.topic(), many)
    got = c.take(many)
    accounted(t, got, many)
    t.equal({d.reason for d in got if isinstance(d, Gap)}, {GAPS["overflow"]}, "the reasons of the gaps")
    t.true(keeps_the_oldest(got), "more events came behind the first gap than before it")


LONG, MANY = b"z" * 4000, 5000  # more than the queue of a hub with its defaults, and the buffers of TCP


@S.check("`latest` | Keeps the newest event", ("6", "`key` | str"), ("14", "2 | `conflated`"))
def latest_keeps_the_newest_of_each_key(t):
    c = asleep(t, t.topic(), overflow="latest")
    flood(t, t.topic(), MANY, lambda n: str(n % 20), LONG)
    got = c.take(MANY)
    accounted(t, got, MANY)
    events = [d for d in got if not isinstance(d, Gap)]
    newest = {d.headers["key"]: d.number for d in events}
    t.equal(sorted(newest.values()), list(range(MANY - 19, MANY + 1)), "the newest event of each of 20 keys")
    reasons = {d.reason for d in got if isinstance(d, Gap)}
    t.equal(reasons, {GAPS["conflated"]}, "the reasons of the gaps, where the newest of all keys fit into the queue")


@S.check("`latest` | Keeps the newest event")
def events_without_a_key_share_one(t):
    c = asleep(t, t.topic(), overflow="latest")
    flood(t, t.topic(), MANY, lambda n: "k" if n % 10 == 0 else None, LONG)
    got = c.take(MANY)
    accounted(t, got, MANY)
    events = {bool(d.headers): d.number for d in got if not isinstance(d, Gap)}  # the last one of each kind
    t.equal(events, {True: MANY - 9, False: MANY}, "the newest event with the key, and the newest one without a key")
    reasons = {d.reason for d in got if isinstance(d, Gap)}
    t.equal(reasons, {GAPS["conflated"]}, "the reasons of the gaps")


@S.check("`disconnect` | Closes the connection", ("14", "101 | `slow_consumer`"), hub="small")
def disconnect_ends_the_connection(t):
    c = asleep(t, t.topic(), overflow="disconnect")
    flood(t, t.topic(), 700)
    t.equal(c.expect_close("slow_consumer")[1], 101, "the code")
    again = t.open()
    again.subscribe(t.topic(), start="last")


@S.check("`block` | Drops nothing", hub="small")
def block_drops_nothing(t):
    c, p = asleep(t, t.topic(), overflow="block"), t.open()
    many, rest = fill(t, p, [framed([EVENT, t.topic(), BIG])] * floods.MANY)
    numbers = []
    while len(numbers) < many:
        rest = p.push(rest, still=0) if rest else rest
        frame = c.read()
        t.true(frame[0] in (RUN, EVENT), f"{frame[:4]} came to a subscriber with `block`")
        numbers += [d.number for d in c.delivered([frame])]
    t.equal(numbers, list(range(1, many + 1)), "the numbers")


@S.check("Nobody waits for room in an inbox", "There, `block` counts as `drop-newest`", hub="small")
def no_inbox_holds_who_answers(t):
    c, many = asleep(t, None, overflow="block"), 700
    flood(t, c.facts["inbox"], many)
    got = c.take(many)
    accounted(t, got, many)
    t.equal({d.reason for d in got if isinstance(d, Gap)}, {GAPS["overflow"]}, "the reasons of the gaps")
    t.true(keeps_the_oldest(got), "more events came behind the first gap than before it")


@S.check("Then the policy that stands last", hub="small")
def the_strictest_policy_counts(t):
    order, many = ["latest", "drop-newest", "drop-oldest", "disconnect"], 600
    for weak, strong in zip(order, order[1:]):
        topic = t.topic(strong)
        c = asleep(t, topic, overflow=strong)
        c.subscribe(topic, overflow=weak)
        flood(t, topic, many, lambda n: "k")
        if strong == "disconnect":
            c.expect_close("slow_consumer")
            continue
        got = c.take(many)
        accounted(t, got, many)
        t.equal(
            {d.reason for d in got if isinstance(d, Gap)}, {GAPS["overflow"]}, f"the reasons with {weak} and {strong}"
        )
        newest = getattr(got[-1], "number", 0) == many
        t.equal(newest, strong == "drop-oldest", f"whether the newest event came with {weak} and {strong}")
    c = asleep(t, t.topic("block"), overflow="block")
    c.subscribe(t.topic("block"), overflow="disconnect")
    p = t.open()
    fill(t, p, [framed([EVENT, t.topic("block"), BIG])] * floods.MANY)
    t.true(all(c.read()[0] in (RUN, EVENT) for _ in range(20)), "with `block` something was dropped")


@S.check("`overflow` | str")
def overflow_has_five_policies(t):
    for policy in ("latest", "drop-newest", "drop-oldest", "disconnect", "block"):
        t.subscriber(t.topic(), overflow=policy)
    for bad in ("Block", "drop", "", 1, b"block"):
        t.refuses_subscribe(["bad_option", "malformed"], t.topic(), {"overflow": bad})
