"""Section 8: runs, event numbers, positions and gaps."""

import itertools
import time

from suite.check import Section
from suite.client import Gap
from suite.floods import asleep
from suite.frames import CLOSE, EVENT, GAP, RUN, SUBSCRIBE, SUBSCRIBED, UNSUBSCRIBE

S = Section("8")


@S.check(
    "Events come in runs",
    "A RUN frame describes the frames that follow it",
    "Exactly `count` EVENT frames follow",
    "Nothing comes between a RUN",
    "The hub sends no EVENT without a RUN",
    "The k-th EVENT",
    ("16/RUN", "first | uint"),
)
def events_come_in_runs(t):
    s, publishers, many = t.open(), [t.open() for _ in range(3)], 300
    s.subscribe(t.topic("*"), overflow="block")
    for first in range(0, many, 15):
        for c in publishers:
            c.send_all([EVENT, t.topic(str(n % 2)), [c.facts["publisher"], n]] for n in range(first, first + 15))
        s.send(11, first)  # PONGs, which must not come inside of a run: the client itself fails then
    due, last, in_run = 3 * many, {}, 0
    while due:
        frame = s.read()
        if frame[0] == RUN:
            t.equal(in_run, 0, "the EVENTs that the RUN before did not get")
            run, in_run = frame, frame[4]
            t.equal(run[3], last.get(run[1], 0) + 1, f"`first` of a RUN of {run[1]}")
            last[run[1]] = run[3] + run[4] - 1
        elif frame[0] == EVENT:
            in_run, due = in_run - 1, due - 1
            t.equal((frame[1], frame[2][0]), (run[1], run[5]), "topic and publisher of an event in its RUN")


@S.check("The event numbers belong to the topic", "They start at 1 and grow by 1", "All subscribers see an event")
def all_subscribers_see_the_same_numbers(t):
    subscribers = [t.subscriber(t.topic(f), overflow="block") for f in ("*", "**", "a", "b")]
    publishers, many = [t.open() for _ in range(3)], 100
    for n in range(many):
        for c in publishers:
            c.send_all(
                [[EVENT, t.topic("a"), [c.facts["connection"], n]], [EVENT, t.topic("b"), [c.facts["connection"], n]]]
            )
    for c in publishers:
        c.flush()
    seen = {"a": set(), "b": set()}
    for s in subscribers:
        got = s.delivered(s.flush())
        for name in "ab":
            mine = [(d.epoch, d.number, str(d.payload)) for d in got if d.topic == t.topic(name)]
            t.true(not mine or [n for _, n, _ in mine] == list(range(1, 3 * many + 1)), f"the numbers of {name}")
            seen[name] |= {tuple(mine)} if mine else set()
    t.equal([len(orders) for orders in seen.values()], [1, 1], "the number of orders that subscribers saw")


@S.check(
    "Event numbers are comparable only within one epoch",
    "Another epoch means that the topic began anew",
    "An epoch is a number",
    "It is below 2^32",
    "Only compare whether two epochs",
)
def a_topic_that_begins_anew_has_another_epoch(t):
    t.start(topic_idle_ms=20)
    c, epochs = t.open(), []

    def last():
        time.sleep(0.1)  # in which nobody uses the topic
        d = t.open()
        got = d.delivered(d.subscribe(t.topic(), start="last")[1])
        d.send(CLOSE, 200, "done", None)
        d.expect_close("normal")
        return got

    for turn in range(2):
        s = t.open()
        number, _ = s.subscribe(t.topic())
        c.event(t.topic(), turn)
        got = s.take(1)[0]
        t.equal(got.number, 1, "the number of the first event of an epoch")
        epochs.append(got.epoch)
        s.send(UNSUBSCRIBE, number, False)
        t.until(lambda: not last(), "that the unused topic was forgotten")
    t.true(epochs[0] != epochs[1], f"the topic began anew with the epoch {epochs[0]} again")


@S.check("`publisher` and `time_ms` come from the hub", "No client can forge them")
def nobody_forges_publisher_and_time(t):
    s, c, other = t.subscriber(t.topic()), t.open(name="me"), t.open(name="me")
    c.event(t.topic(), {"publisher": other.facts["publisher"]}, {"publisher": other.facts["publisher"], "time_ms": 1})
    got = s.take(1)[0]
    t.equal(got.publisher, c.facts["publisher"], "`publisher`")
    t.true(got.time_ms > 1.6e12, f"`time_ms` is {got.time_ms}")
    t.hello_closes("protocol_error", "hub", 1, {"name": other.facts["publisher"]})


@S.check(
    "`subscriptions` in the RUN lists",
    "The client hands each event to each",
    ("16/RUN", "subscriptions | array of uint"),
)
def a_run_says_for_which_subscriptions_it_is(t):
    c, p = t.open(), t.open()
    for number, pattern, options in (
        (91, "a", {}),
        (92, "*", {}),
        (93, "**", {"group": "g"}),
        (94, "a", {"group": "h"}),
    ):
        c.send(SUBSCRIBE, number, t.topic(pattern), options)
        c.expect(SUBSCRIBED, number)
    p.event(t.topic("a"), 1)
    p.flush()
    got = c.delivered(c.flush())
    t.equal(sorted(n for d in got for n in d.subscriptions), [91, 92, 93, 94], "the subscriptions of all copies")
    t.true([91, 92] in [sorted(set(d.subscriptions) & {91, 92}) for d in got], "two copies for plain subscriptions")
    for options in ({"start": "last"}, {"after": {}}):
        number, before = c.subscribe(t.topic("**"), **options)
        t.equal(
            [d.subscriptions for d in c.delivered(before)], [[number]], f"the subscription of past events with {options}"
        )


@S.check(
    "A subscription with `start` = `last` or `after` first gets",
    "Deliveries can begin before SUBSCRIBED",
    "Past events come before SUBSCRIBED",
    ("16/SUBSCRIBED", "The past events that it asked for"),
)
def past_events_come_first(t):
    p = t.open()
    for turn in range(10):
        topic = t.topic(str(turn))
        p.send_all([EVENT, topic, n] for n in range(20))
        c = t.open()
        c.send(SUBSCRIBE, 1, topic, {"after": {}} if turn % 2 else {"start": "last"})
        p.send_all([EVENT, topic, n] for n in range(20, 40))
        p.flush()
        before = []
        while (frame := c.read())[0] != SUBSCRIBED:
            before.append(frame)
        behind = c.flush()
        got, live = c.delivered(before), c.delivered(behind)
        numbers = [d.number for d in got + live]
        t.equal(numbers, list(range(numbers[0], 41)), "past events and then live ones, without a hole")
        t.true(numbers[0] == 1 or not turn % 2, f"the first past event has the number {numbers[0]}")


@S.check("For each subscription alone, the events of a topic come")
def each_subscription_gets_each_event_once_and_in_order(t):
    c, p, payload = t.open(), t.open(), itertools.count()
    c.subscribe(t.topic("*"))
    for turn in range(10):
        topic = t.topic(str(turn))
        p.send_all([EVENT, topic, next(payload)] for _ in range(20))
        c.send(SUBSCRIBE, 90, topic, {"after": {}})
        p.send_all([EVENT, topic, next(payload)] for _ in range(20))
        p.flush()
        seen = c.flush()
        for number in (1, 90):
            mine = [d.number for d in c.delivered(seen) if number in d.subscriptions]
            t.equal(mine, list(range(1, 41)), f"the events of subscription {number}")
        at = [f[0] for f in seen].index(SUBSCRIBED)
        behind = [d.subscriptions for d in c.delivered(seen[at:])]
        t.true(all(1 in ids for ids in behind), "a past event behind SUBSCRIBED")
        c.send(UNSUBSCRIBE, 90, False)


@S.check(
    "A RUN with `count` = 0 has no EVENT",
    "It states the position of a topic",
    "If `positions` is true, the hub sends such a RUN",
    "These RUNs come before SUBSCRIBED",
    "`subscriptions` has the id of the subscription",
    ("16/RUN", "epoch | uint"),
)
def positions_are_runs_without_events(t):
    p, due = t.open(), {}
    for n in range(1, 6):
        p.send_all([EVENT, t.topic(str(n)), n] for _ in range(n))
        due[t.topic(str(n))] = n + 1
    p.event(t.topic("other.deep"), 1)
    p.flush()
    c = t.open()
    number, before = c.subscribe(t.topic("*"), positions=True)
    t.equal({f[1]: f[3] for f in before}, due, "topic and `first`")
    t.true(all(f[0] == RUN and f[4] == 0 and f[7] == [number] for f in before), f"the positions {before}")
    epochs = {f[1]: f[2] for f in before}
    p.event(t.topic("3"), 1)
    live = c.take(1)[0]
    t.equal((live.epoch, live.number), (epochs[t.topic("3")], 4), "epoch and number of the next event")


@S.check("They come after the past events that `after` asked for")
def positions_have_their_place(t):
    p = t.open()
    p.send_all([EVENT, t.topic(), n] for n in range(3))
    p.flush()
    c = t.open()
    kinds = [(f[0], f[4]) if f[0] == RUN else f[0] for f in c.subscribe(t.topic(), after={}, positions=True)[1]]
    t.equal((kinds[-1], kinds.count(EVENT)), ((RUN, 0), 3), "the position, behind the past events of `after`")
    runs = [f[3:5] for f in c.subscribe(t.topic(), start="last", positions=True)[1] if f[0] == RUN]
    t.equal(runs, [[3, 0], [3, 1]], "`first` and `count`: the position, and then the event of `last`, which is the next one")


@S.check("With them, a client knows a position in every topic")
def a_position_is_enough_to_come_back(t):
    p = t.open()
    p.send_all([EVENT, t.topic(str(n)), 0] for n in range(3))
    p.flush()
    c = t.open()
    after = {f[1]: [f[2], f[3] - 1] for f in c.subscribe(t.topic("*"), positions=True)[1]}
    c.reset()
    p.send_all([EVENT, t.topic(str(n)), 1] for n in range(1, 4))
    p.flush()
    d = t.open()
    got = d.delivered(d.subscribe(t.topic("*"), after=after)[1])
    t.equal(sorted((d.topic, d.payload) for d in got), [(t.topic(str(n)), 1) for n in (1, 2, 3)], "what was missed")


@S.check(
    "A GAP states that events of a topic will not come",
    "It stands in the place where the events would have been",
    "`reason` says why they are missing",
    "So a plain subscription misses nothing silently",
    "From its first event number in a topic on",
    "A client may check that",
    "For each topic, remember the epoch",
    ("16/GAP", "`[10, topic, epoch, from, to or nil, reason, [subscriptions]]`"),
    ("16/GAP", "topic | str"),
    ("16/GAP", "epoch | uint"),
    ("16/GAP", "from | uint"),
    ("16/GAP", "to | uint or nil"),
    hub="small",
)
def a_gap_stands_in_its_place(t):
    c, p, many = asleep(t, t.topic("*")), t.open(receipts=True), 700
    for n in range(many):
        p.event(t.topic(str(n % 2)), b"z" * 15_000)
    p.until_receipt(many)
    seen = c.flush()
    p.event(t.topic("0"), "end")
    got = c.delivered(seen) + c.take(1)
    position, gaps = {}, 0
    for d in got:
        first, last = (d.first, d.last) if isinstance(d, Gap) else (d.number, d.number)
        epoch, at = position.get(d.topic, (d.epoch, 0))
        t.equal((d.epoch, first), (epoch, at + 1), f"the next number of {d.topic}")
        position[d.topic] = (d.epoch, last)
        gaps += isinstance(d, Gap)
        t.true(not isinstance(d, Gap) or (d.reason == 1 and last >= first), f"the gap {d}")
    t.equal(
        {topic: at for topic, (_, at) in position.items()},
        {t.topic("0"): many // 2 + 1, t.topic("1"): many // 2},
        "the last numbers",
    )
    t.true(gaps, "there was no gap, although the client read nothing")


@S.check("`subscriptions` has the same meaning as in RUN", ("16/GAP", "subscriptions | array of uint"), hub="small")
def a_gap_says_for_which_subscriptions_it_is(t):
    c, p, many = asleep(t, t.topic("a")), t.open(receipts=True), 500
    c.subscribe(t.topic("*"))
    c.asleep = True
    body = b"z" * 15_000
    p.send_all([EVENT, t.topic("a"), body] for _ in range(many))
    p.until_receipt(many)
    gaps = [f for f in c.flush() if f[0] == GAP]
    t.true(gaps and all(sorted(gap[6]) == [1, 2] for gap in gaps), f"the gaps of plain subscriptions {gaps}")
    epoch = gaps[0][2]
    d = t.open()
    number, before = d.subscribe(t.topic("a"), after={t.topic("a"): [epoch + 1, 3]})
    t.equal([f[6] for f in before if f[0] == GAP][:1], [[number]], "the subscription of a gap of the past")


@S.check("If `to` is nil, nobody can know")
def a_gap_without_end_names_the_known_epoch(t):
    c = t.open()
    c.event(t.topic(), 1)
    c.flush()
    epoch = [f[2] for f in c.subscribe(t.topic(), positions=True)[1]][0]
    d = t.open()
    number, before = d.subscribe(t.topic(), after={t.topic(): [epoch + 5, 17]})
    gap = next(f for f in before if f[0] == GAP)
    t.equal(list(gap[:7]), [GAP, t.topic(), epoch + 5, 18, None, 4, [number]], "the gap")
