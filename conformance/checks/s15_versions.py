"""Section 15: versions, and what a later version may change."""

from suite import msgpack as mp
from suite.check import Section
from suite.frames import CLOSE, HELLO, PING, PONG, SUBSCRIBE, TAKEN, UNSUBSCRIBE, WELCOME

S = Section("15")


@S.check(
    "This is version 1",
    "A client states in HELLO which versions",
    "The hub states in WELCOME the version",
    ("16/HELLO", "version | uint"),
    ("16/WELCOME", "version | uint"),
    ("16/WELCOME", "`[2, version, {facts}]`"),
)
def the_version_is_1(t):
    c = t.connect()
    c.send(HELLO, "hub", 1, {})
    c.facts_from(c.expect(WELCOME, 1))
    for version in (0, 2, 127, 128, 2**64 - 1):
        t.hello_closes("unsupported_version", "hub", version, {})


@S.check(
    ("4", "HELLO states which versions of the protocol"),
    ("4", "Otherwise WELCOME states the newest version"),
    "The beginning of HELLO is the same",
    "So a client that speaks several versions",
)
def versions_may_be_a_range(t):
    for first, last in ((1, 1), (0, 1), (1, 9), (0, 2**64 - 1)):
        c = t.connect()
        c.send(HELLO, "hub", [first, last], {"receipts": True})
        c.facts_from(c.expect(WELCOME, 1))
        c.nothing()
    for first, last in ((0, 0), (2, 3), (2, 2**64 - 1)):
        t.hello_closes("unsupported_version", "hub", [first, last], {})


@S.check(
    ("4", "The hub reads them before anything else"),
    ("4", "If it speaks none of them"),
    "What follows may differ",
)
def what_follows_the_versions_does_not_matter(t):
    for versions in (b"\x02", b"\x92\x02\x07", b"\xcc\x80"):
        for rest in (b"", b"\xc1", b"\xff" * 20, b"\x81\xa1", b"\xdd\xff\xff\xff\xff", b"\x80\x80"):
            t.closes("unsupported_version", body=b"\x94\x01\xa3hub" + versions + rest, after_hello=False)


@S.check(("13", "a HELLO without a version that the hub speaks"), ("14", "202 | `unsupported_version`"))
def the_version_is_looked_at_before_the_rest(t):
    # Another version may have another HELLO. Its client must learn that it is the version that does not fit.
    t.equal(t.hello_closes("unsupported_version", "hub", 2, {})[1], 202, "the code")
    for rest in ([], [None], ["x"], [{"name": "a b"}], [{"instance": 7}], [{}, 1, 2], [mp.pairs([(1, 2)])]):
        t.hello_closes("unsupported_version", "hub", 2, *rest)


@S.check("Frames get more elements at their end", "Ignore elements after the known ones")
def further_elements_are_ignored(t):
    more = [1, "more", {"a": [None]}]
    c = t.connect()
    c.send(HELLO, "hub", 1, {}, *more)
    c.facts_from(c.expect(WELCOME, 1))
    c.send(SUBSCRIBE, 1, t.topic(), {}, *more)
    c.expect(6, 1)
    c.send(PING, 7, *more)
    c.expect(PONG, 7)
    c.send(PONG, 7, *more)
    c.send(TAKEN, 1, 0, None, None, *more)
    c.send(UNSUBSCRIBE, 1, False, *more)
    c.nothing()
    c.send(CLOSE, 200, "done", None, *more)
    c.expect_close("normal")


@S.check("EVENT is the exception")
def an_event_has_no_further_elements(t):
    t.refuses_event("malformed", t.topic(), 1, {}, 1)
    t.refuses_event("malformed", t.topic(), 1, {}, None)
    t.refuses_event("malformed", t.topic(), 1, {"id": "x"}, *([None] * 11))


@S.check("The maps of HELLO and WELCOME get more keys", "Ignore unknown keys")
def unknown_keys_are_ignored(t):
    for value in (None, 1, "x", [[]], {"a": {}}, mp.ext(1, b"x")):
        t.open(a_later_key=value)


@S.check("The hub refuses the following", ("7", "The hub refuses an option that it does not know"))
def what_the_hub_does_not_know_is_refused(t):
    for option in ("unknown", "Start", "", "$", "overflow ", "credit"):
        t.refuses_subscribe("bad_option", t.topic(), {option: 1})
    for kind in (99, 100, 127):
        c = t.open()
        c.send(kind, 1)
        c.expect_refused(3, 0, "unknown_frame")
    t.refuses_event("reserved_header", t.topic(), 1, {"$later": 1})
