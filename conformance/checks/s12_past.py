"""Section 12: past events that do not fit."""

from suite.check import Section
from suite.client import Gap
from suite.floods import BIG, accounted, framed
from suite.frames import CLOSE, EVENT, GAPS, SUBSCRIBE, SUBSCRIBED
from suite.windows import publish

S = Section("12")
SMALL = {"queue_bytes": 65_536, "max_frame_bytes": 16_384, "overflow_grace_ms": 0, "history_topic_bytes": 300_000}


def behind(t, topic, many, **options):
    """A subscription with a window of one event, behind which so many past events wait."""
    publish(t, topic, many, fill=BIG)
    c = t.open()
    c.send(SUBSCRIBE, 1, topic, {"window": [1, 1], "after": {}, **options})
    seen = []
    while not seen or seen[-1][0] != SUBSCRIBED:
        seen.append(c.read())
    got = c.delivered(seen)
    return c, got + c.delivered(c.flush())


def drain(c, got):
    """Finishes event after event, until nothing comes any more."""
    more = got
    while more:
        c.taken(1, sum(not isinstance(d, Gap) for d in got))
        more = c.delivered(c.flush())
        got += more
    return got


@S.check(
    "If the past events do not fit into the client's queue",
    "When no past event waits any more",
    ("8", "Past events come before SUBSCRIBED"),
    ("8", "The rest waits in the history"),
    ("8", "While past events of a topic wait"),
    ("10", "Past events that still wait in the history"),
    ("16/SUBSCRIBED", "The past events that it asked for"),
)
def past_events_wait_for_room(t):
    t.start(**SMALL | {"history_topic_bytes": 4_000_000})
    many = 60
    for policy in ("block", "drop-oldest", "drop-newest", "latest", "disconnect"):
        topic = t.topic(policy)
        c, got = behind(t, topic, many, overflow=policy)
        t.equal([d.number for d in got], [1], "what comes before PONG, with a window of one event")
        publish(t, topic, 3, many)
        drain(c, got)
        t.equal([d.number for d in got], list(range(1, many + 4)), f"past events and then live ones, with {policy}")
        publish(t, topic, 1, many + 3)
        t.equal([d.number for d in c.take(1)], [many + 4], "a live event, when no past event waits any more")
        d = t.open()
        numbers = [x.number for x in d.delivered(d.subscribe(topic, after={}, overflow=policy)[1])]
        while len(numbers) < many + 4:
            numbers += [x.number for x in d.take(1)]
        t.equal(numbers, list(range(1, many + 5)), f"the past events without a window, with {policy}")


@S.check("If a subscription is so slow that the history forgets")
def what_the_history_forgets_meanwhile_is_told(t):
    t.start(**SMALL)
    c, got = behind(t, t.topic(), 15)
    publish(t, t.topic(), 45, 15, fill=BIG)
    drain(c, got)
    accounted(t, got, 60)
    t.equal({d.reason for d in got if isinstance(d, Gap)}, {GAPS["overflow"]}, "the reasons of the gaps")


@S.check("There are two exceptions: with `block`")
def publishers_wait_for_past_events_with_block(t):
    t.start(**SMALL)
    c, got = behind(t, t.topic(), 15, overflow="block")
    many, p = 600, t.open()
    rest = p.push(b"".join(framed([EVENT, t.topic(), [n, BIG]]) for n in range(15, many)), still=0.1)
    t.true(rest, "the hub read all events, although past events wait")
    while len(got) < many:
        rest = p.push(rest, still=0) if rest else rest
        c.taken(1, len(got))
        got += c.delivered(c.flush())
    t.equal([d.number for d in got], list(range(1, many + 1)), "the events")
    c, got = behind(t, t.topic("d"), 15, overflow="disconnect")
    p = t.open()
    p.send_all([EVENT, t.topic("d"), [n, BIG]] for n in range(15, 200))
    p.flush()
    frame = None
    while not frame or frame[0] != CLOSE:  # at the latest when it comes to the place of the forgotten events
        if frame and frame[0] == EVENT:
            got += [frame]
        c.taken(1, len(got))
        frame = c.read()
    t.equal(frame[1], 101, "the code, with `disconnect`")


@S.check("If it ends before that, the events that still wait")
def what_waits_in_the_history_ends_with_the_subscription(t):
    t.start(**SMALL | {"history_topic_bytes": 4_000_000})
    many = 60
    for drains in (True, False):
        c, got = behind(t, t.topic(str(drains)), many)
        c.unsubscribe(1, drains)
        got += c.delivered(c.flush())
        if drains:
            accounted(t, got, many)
            t.equal({d.reason for d in got if isinstance(d, Gap)}, {GAPS["overflow"]}, "the reasons of the gaps")
        else:
            t.equal([d.number for d in got], [1], "what comes without `drain`")
