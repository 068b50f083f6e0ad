"""Section 10: PING, PONG, keep-alive and the flush barrier."""

import contextlib
import time

from suite.check import Failure, Section
from suite.floods import BIG, MANY, asleep, framed
from suite.frames import CLOSE, EVENT, GAP, PING, PONG, REFUSED, RUN, SUBSCRIBE, SUBSCRIBED, UNSUBSCRIBE

S = Section("10")


def read_to_the_end(c):
    """Reads what has come. Returns the types of the frames, and whether the hub has ended the connection."""
    c.wake()
    types = []
    with contextlib.suppress(Failure):
        while frame := c.read():
            types.append(frame[0])
    return types, bool(c.ended)


@S.check(
    "The receiver of a PING answers",
    ("16/PING", "The receiver answers with PONG"),
    ("16/PONG", "token | uint"),
    ("16/PONG", "It is not answered"),
)
def a_ping_is_answered_with_its_token(t):
    c = t.open()
    tokens = [0, 1, 2**32, 2**64 - 1, 7, 7]
    c.send_all([PING, token] for token in tokens)
    for token in tokens:
        c.expect(PONG, token)
    c.send(PONG, 5)
    c.nothing()


@S.check(
    "Both sides may send PINGs", "Answer a PING as soon as", ("16/PING", "`[11, token]`, from both sides"), hub="alive"
)
def who_answers_pings_is_not_silent(t):
    c = t.open()
    for _ in range(8):  # eight intervals in which the client says nothing but PONG
        c.expect(PING)
    c.flush()


@S.check(
    "The hub checks each client once",
    "If nothing has come from the client since",
    "If nothing has come by the next check",
    "Any bytes count as a sign of life",
    "So the PING comes after",
    ("14", "102 | `silent`"),
    hub="alive",
)
def the_silent_are_asked_and_then_closed(t):
    c = t.open()
    c.answers_pings = False
    every, began = c.facts["keepalive_ms"] / 1000, time.monotonic()
    c.expect(PING)
    asked = time.monotonic() - began
    frame = c.expect_close("silent")
    closed = time.monotonic() - began
    t.equal(frame[1], 102, "the code")
    # Only a busy machine can make these times longer, and nothing can make them shorter.
    t.true(every * 0.95 <= asked <= every * 2 + 2, f"the PING came after {asked:.3f} s, and an interval is {every} s")
    t.true(every * 1.95 <= closed <= every * 3 + 2, f"CLOSE came after {closed:.3f} s, and an interval is {every} s")


@S.check("If nothing has come from the client since", hub="alive")
def who_talks_is_not_asked(t):
    c = t.open()
    every, began, asked, turns = c.facts["keepalive_ms"] / 1000, time.monotonic(), 0, 0
    while time.monotonic() - began < every * 6:
        turns += 1
        asked += sum(frame[0] == PING for frame in c.flush())
        time.sleep(every / 10)
    # A machine that stops this program for a whole interval makes the hub ask, and rightly so.
    t.true(asked * 2 <= 6 or turns < 30, f"{asked} PINGs came to a client that talked all the time")


@S.check("The hub does not count the silence of a client")
def who_is_made_to_wait_is_not_silent(t):
    t.start(keepalive_ms=400, queue_bytes=65_536, max_frame_bytes=16_384, overflow_grace_ms=0)
    slow = asleep(t, t.topic(), overflow="block")
    c = t.open()
    frame = framed([EVENT, t.topic(), BIG])
    rest = frame * MANY
    until = time.monotonic() + 2.4  # six intervals, in most of which the publisher can say nothing
    while time.monotonic() < until:
        rest = c.push(rest, still=0.03) if rest else rest
        slow.push(b"\x00\x00\x00\x03\x92\x0b\x01", still=1)  # the subscriber shows that it is there
    t.true(rest, "the hub took everything although the subscriber reads nothing")
    many, got = MANY - len(rest) // len(frame), 0  # with the one that is being sent
    rest = rest[: len(rest) % len(frame)]
    while got < many:
        rest = c.push(rest, still=0) if rest else rest
        frame = slow.read()
        if frame and frame[0] == RUN:
            slow.push(b"\x00\x00\x00\x03\x92\x0b\x02", still=1)
        t.true(frame is not None and frame[0] in (RUN, EVENT, PONG, PING), f"the subscriber got {frame}")
        got += frame[0] == EVENT
    c.flush()


@S.check(
    "A client that reads slowly gets the PING late",
    "As long as there are such events, it also counts",
    "So a client that reads a long backlog slowly",
)
def who_reads_slowly_is_not_silent(t):
    # Nobody waits for the subscribers, so the events are there before the first check of who reads nothing yet.
    t.start(keepalive_ms=2000, overflow_grace_ms=0)
    topic, p = t.topic(), t.open(receipts=True)
    every = p.facts["keepalive_ms"] / 1000
    still, slow = asleep(t, topic, overflow="drop-newest"), t.connect(receive_bytes=65_536)
    slow.hello()
    slow.subscribe(topic, overflow="drop-newest")
    slow.answers_pings = still.answers_pings = False
    for n in range(100):  # more than what waits for a client
        p.send(EVENT, topic, [n, b"z" * 100_000])
        p.until_receipt(n + 1)
    began, took = time.monotonic(), 0
    while (now := (time.monotonic() - began) / every) < 3.5:
        # In an interval, several times of what TCP may keep to itself. On a busy machine, this program falls
        # behind; it then catches up, so that it reads as much in each interval.
        while took < now * 600_000:
            data = slow.stream.recv(40_000)
            t.true(data, f"after {took} bytes, the hub ended the connection of who reads slowly")
            slow.buffer += data
            took += len(data)
        p.flush()
        time.sleep(0.05)
    slow.wake()
    frame = slow.read()
    t.true(frame is not None and frame[0] == RUN, f"after {took} bytes, {frame} came to who reads slowly")
    slow.answers_pings = True
    slow.flush()
    t.true(read_to_the_end(still)[1], "who stopped reading for more than three intervals is still connected")


@S.check("If the hub does not read because the client does not read its own answers", hub="alive")
def who_does_not_read_its_answers_is_silent(t):
    c = t.connect(receive_bytes=4096)
    c.hello(receipts=True)
    c.answers_pings = False
    refused = framed([EVENT, "a b", 1])
    sent = 200_000 - len(c.push(refused * 200_000, still=1)) // len(refused)
    time.sleep(6 * c.facts["keepalive_ms"] / 1000)
    types, ended = read_to_the_end(c)
    t.true(ended, "who did not read its answers for six intervals is still connected")
    t.true(types.count(REFUSED) < sent, f"the hub read all {sent} events although nobody read its answers")


@S.check("When the hub sends a PONG, it has finished", "The hub has published or refused every EVENT before")
def a_pong_says_that_events_are_done(t):
    s, c = t.subscriber(t.topic("**"), overflow="block"), t.open()
    for turn in range(30):
        c.send_all([EVENT, t.topic() if n % 2 else "a b", turn] for n in range(10))
        seen = c.flush()
        t.equal(sum(f[0] == REFUSED for f in seen), 5, "the refusals before PONG")
        t.equal(len(s.delivered(s.flush())), 5, "the events at the subscriber, once the publisher has its PONG")


@S.check("Every SUBSCRIBE and UNSUBSCRIBE before the PING")
def a_pong_says_that_subscriptions_are_in_effect(t):
    c, p = t.open(), t.open()
    for turn in range(20):
        c.send_all(
            [[SUBSCRIBE, n, t.topic(str(n)), {}] for n in range(5)] + [[SUBSCRIBE, 9, "a b", {}], [UNSUBSCRIBE, 99, False]]
        )
        seen = c.flush()
        t.equal(sorted(f[1] for f in seen if f[0] == SUBSCRIBED), list(range(5)), "SUBSCRIBED before PONG")
        t.equal([f[1:3] for f in seen if f[0] == REFUSED], [[1, 9], [2, 99]], "the refusals before PONG")
        p.send_all([EVENT, t.topic(str(n)), turn] for n in range(5))
        p.flush()
        t.equal(len(c.delivered(c.flush())), 5, "the events behind SUBSCRIBE")
        c.send_all([UNSUBSCRIBE, n, False] for n in range(5))
        c.nothing()
        p.send_all([EVENT, t.topic(str(n)), turn] for n in range(5))
        p.flush()
        t.equal(c.delivered(c.flush()), [], "the events behind UNSUBSCRIBE and PONG")


@S.check("The hub has sent every delivery that was queued", 'So "send, send, send, PING')
def a_pong_comes_behind_what_was_queued(t):
    s, c = t.subscriber(t.topic(), overflow="block"), t.open(receipts=True)
    for turn in range(20):
        c.send_all([EVENT, t.topic(), b"x" * 2000] for _ in range(50))
        c.until_receipt(50 * (turn + 1))
        t.equal(len(s.delivered(s.flush())), 50, "the events before PONG")
    t.true(not s.nothing(RUN, GAP, CLOSE), "more came")
