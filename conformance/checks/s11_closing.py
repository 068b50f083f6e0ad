"""Section 11: the end of a connection."""

import os

from suite import document
from suite import msgpack as mp
from suite.check import Section
from suite.floods import framed
from suite.frames import CLOSE, CLOSES, EVENT, HELLO, PING, RECEIPT, REFUSED, RUN

S = Section("11")


def end_with_goodbye(c):
    c.send(CLOSE, 200, "done", None)


def end_with_half_close(c):
    c.half_close()


@S.check(
    "CLOSE is the last frame of the side that sends it",
    ("16/CLOSE", "It is the last frame"),
    ("16/CLOSE", "`[13, code, reason, retry_after_ms or nil]`"),
)
def nothing_follows_close(t):
    s, c = t.subscriber(t.topic()), t.open()
    for data in ([CLOSE, 200, "done", None], [CLOSE, 201, "", 7]):
        c = t.open()
        c.send_all([data, [EVENT, t.topic(), "behind CLOSE"], [PING, 1]])
        c.expect_close("normal")  # the client itself fails on a frame behind CLOSE
    t.equal(s.delivered(s.flush()), [], "what came of events behind CLOSE")


@S.check(
    "The client ends the connection",
    "It sends CLOSE with code 200, or only shuts",
    "Both have the same meaning",
    "The hub publishes what it has read",
    "The client then continues to read",
    "The client reads until the end",
    ("16/CLOSE", "The hub answers a CLOSE of the client"),
    ("14", "200 | `normal`"),
)
def a_goodbye_gets_everything(t):
    for end in (end_with_goodbye, end_with_half_close):
        s, c = t.subscriber(t.topic("**"), overflow="block"), t.open(receipts=True)
        c.subscribe(t.topic("**"), overflow="block")
        many = 300
        c.send_all([EVENT, t.topic() if n % 10 else "a b", b"x" * 500] for n in range(many))
        end(c)
        seen = []
        while frame := c.read():  # up to FIN
            seen.append(frame)
        t.equal(seen[-1][:2], [CLOSE, CLOSES["normal"]], "the last frame")
        t.equal([f[1] for f in seen if f[0] == RECEIPT][-1:], [many], "the last receipt")
        t.equal(sum(f[0] == REFUSED for f in seen), many // 10, "the refusals")
        t.equal(len(c.delivered(seen)), many - many // 10, "the client's own events")
        t.equal(len(s.take(many - many // 10)), many - many // 10, "the events at another client")


@S.check("A client that does not wait for the end")
def who_does_not_wait_harms_nobody(t):
    s, c = t.subscriber(t.topic()), t.open()
    c.event(t.topic(), 1)
    c.flush()
    c.send(CLOSE, 200, "done", None)
    c.reset()
    t.equal(len(s.take(1)), 1, "the events before CLOSE")
    s.nothing()


@S.check(
    "The hub ends the connection",
    "It sends CLOSE with a code, and FIN",
    "The client should close its side soon",
    ("16/CLOSE", "The client answers a CLOSE of the hub with FIN"),
)
def the_hub_says_why_and_ends(t):
    for _ in range(10):
        frame = t.closes("protocol_error", body=mp.pack([PING, -1]))
        t.true(frame[2], "the reason of CLOSE is empty")


@S.check("It does not publish what the client has sent", "After a reconnect, `received` tells")
def what_follows_a_fault_is_not_published(t):
    instance = os.urandom(16)
    s, c = t.subscriber(t.topic()), t.open(instance=instance)
    c.send_all([[EVENT, t.topic(), 0], [EVENT, t.topic(), 1], [PING], [EVENT, t.topic(), 2]])
    c.expect_close("protocol_error")
    again = t.open(instance=instance)
    t.equal((again.facts["resumed"], again.facts["received"]), (True, 2), "`resumed` and `received`")
    again.event(t.topic(), 2)
    t.equal([d.payload for d in s.take(3)], [0, 1, 2], "what was published")


@S.check("The hub never resets a connection")
def the_hub_sends_fin_and_no_rst(t):
    more = b"x" * 300_000  # what the hub has not read when it ends the connection
    for data in (b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x00\x00\x00\x02\x92\x0b", b"\x00\x00\x00\x01\xc0"):
        c = t.open()
        c.push(data + more, still=0.5)
        c.expect_close("protocol_error", "frame_too_large")
    c = t.connect()
    c.push(b"GET / HTTP/1.1\r\n\r\n" + more, still=0.5)
    c.expect_close("protocol_error")


@S.check(
    "Codes below 200 mean: connect again",
    "Codes from 200 on mean: do not connect again",
    ("15", "For CLOSE, the number says whether to reconnect"),
    ("14", "Numbers are stable"),
    ("14", "A number is never used for something else"),
)
def the_tables_of_codes_are_those_of_the_suite(t):
    statements = [s for s in document.read() if s.place == "14" and s.kind == "row"]
    rows = [s.text.split(" | ") for s in statements if s.text.split(" | ")[1].startswith("`")]
    closes = {row[1].strip("`"): int(row[0]) for row in rows if row[2] in ("yes", "no")}
    t.equal(closes, CLOSES, "the codes of CLOSE")
    for row in rows:
        if row[2] in ("yes", "no"):
            t.equal(row[2], "yes" if int(row[0]) < 200 else "no", f"whether to reconnect after {row[0]}")


@S.check(
    "If `retry_after_ms` is not nil",
    ("14", "100 | `going_away`"),
    ("14", "103 | `overloaded`"),
    ("16/CLOSE", "retry_after_ms | uint or nil"),
)
def who_is_to_come_back_is_told_when(t):
    hub = t.start(retry_after_ms=1234, max_connections=1)
    c = t.open()
    full = t.connect().expect_close("overloaded")
    t.true(isinstance(full[3], int), f"`retry_after_ms` is {full[3]!r} at a hub that is full")
    c.subscribe(t.topic(), overflow="block")
    c.event(t.topic(), 1)
    c.flush()
    hub.stop()
    frame = c.expect_close("going_away")
    t.true(isinstance(frame[3], int) and frame[3] >= 1234, f"`retry_after_ms` is {frame[3]!r} at a hub that stops")


@S.check(("14", "100 | `going_away`"), ("16/CLOSE", "code | uint"), ("16/CLOSE", "reason | str"))
def a_hub_that_stops_delivers_first(t):
    hub = t.start()
    s, c = t.open(), t.open(receipts=True)
    s.subscribe(t.topic(), overflow="block")
    c.send_all([EVENT, t.topic(), b"x" * 1000] for _ in range(1000))
    c.until_receipt(1000)
    hub.stop()
    seen = []
    while frame := s.read():
        seen.append(frame)
    t.equal(len(s.delivered(seen)), 1000, "the events that had a receipt")
    t.equal(seen[-1][:2], [CLOSE, 100], "the last frame of the subscriber")
    c.expect_close("going_away")
    t.true(any(f[0] == RUN for f in seen), "no RUN came")


def ends(t):
    """Ways to end a connection, each with the code, bytes that bring it about, and what else has to be done."""
    yield "protocol_error", b"\x00\x00\x00\x00", None
    yield "protocol_error", framed([HELLO, "hub", 1, {}]), None
    yield "protocol_error", framed([RECEIPT, 1]), None
    yield "frame_too_large", b"\xff\xff\xff\xff", None
    yield "normal", framed([CLOSE, 200, "done", None]), None
    yield "replaced", b"", lambda instance: t.open(instance=instance)


@S.check(
    "The last RECEIPT comes before every CLOSE",
    "It is left out if it would state the same number",
    "So a client that must not come back knows",
    "The hub has not accepted the events from `next` on",
)
def a_receipt_comes_before_every_close(t):
    for code, data, then in ends(t):
        for receipts in (True, False):
            instance, s = os.urandom(16), t.subscriber(t.topic(f"{code}.{len(data)}.{receipts}"))
            topic = t.topic(f"{code}.{len(data)}.{receipts}")
            c = t.open(instance=instance, receipts=receipts)
            events = b"".join(framed([EVENT, topic if n % 3 else "a b", n]) for n in range(10))
            c.send_bytes(events + data)
            seen = c.flush() if then else []
            if then:
                then(instance)
            while frame := c.read():
                seen.append(frame)
            t.equal(seen[-1][:2], [CLOSE, CLOSES[code]], "the last frame")
            got = [d.payload for d in s.delivered(s.flush())]
            numbers = [f[1] for f in seen if f[0] == RECEIPT]
            refused = [f[2] for f in seen if f[0] == REFUSED]
            if receipts:
                t.equal(numbers and numbers[-1], 10, f"the last RECEIPT before {code}")
                t.equal(refused, [0, 3, 6, 9], f"the refusals before {code}")
                t.equal(got, [1, 2, 4, 5, 7, 8], f"the events that were accepted before {code}")
            else:
                t.equal(numbers, [], f"the receipts of a client that did not ask for them, before {code}")


@S.check("The last RECEIPT comes before every CLOSE", hub="access")
def a_receipt_comes_before_a_rule_ends_the_connection(t):
    c = t.open(credentials={"token": t.hubs.token[0]}, receipts=True)
    c.send_all([EVENT, t.topic("rules"), {"other": n}] for n in range(5))
    c.event(t.topic("rules"), {"fatal": "x"})
    c.event(t.topic("rules"), {"other": 6})
    seen = []
    while frame := c.read():
        seen.append(frame)
    t.equal(seen[-1][:2], [CLOSE, CLOSES["policy"]], "the last frame")
    t.true([f[1] for f in seen if f[0] == RECEIPT][-1] >= 5, "the last RECEIPT does not cover the accepted events")
