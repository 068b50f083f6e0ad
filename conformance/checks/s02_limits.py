"""Section 2: limits."""

import struct

from suite import msgpack as mp
from suite.check import Section
from suite.client import Gap
from suite.floods import asleep
from suite.frames import EVENT, GAPS, HELLO, REFUSED, SUBSCRIBE, WELCOME

S = Section("2")


def filled(size, make):
    """A frame of exactly so many bytes. `make` makes a frame with so many bytes to fill it."""
    return make(size - len(make(0)))


@S.check("first frame (HELLO), without its length")
def hello_has_at_most_4096_bytes(t):
    c = t.connect()
    body = filled(4096, lambda n: mp.pack([HELLO, "hub", 1, {"unknown": mp.text(2, "x" * n)}]))
    t.equal(len(body), 4096, "the size of HELLO")
    c.send_body(body)
    c.facts_from(c.expect(WELCOME, 1))
    t.closes("protocol_error", struct.pack(">I", 4097), after_hello=False)


@S.check("other frames, without their length", "The hub sends no frame longer than `max_frame`")
def frames_have_at_most_max_frame(t):
    for kind, default in (("plain", 1_048_576), ("small", None)):
        if kind == "small" and not t.hubs.binary:
            continue
        c = t.open(kind)
        most, topic = c.facts["max_frame"], t.topic()
        if t.hubs.binary and default:
            t.equal(most, default, "max_frame of a hub that is not configured")
        body = filled(most, lambda n: mp.pack([EVENT, topic, mp.sized(0xC6, 4, b"x" * n)]))
        c.subscribe(topic, overflow="block")
        c.send_body(body)
        t.equal(c.take(1)[0].body, body, "an event of max_frame bytes")
        c.send_bytes(struct.pack(">I", most + 1))
        c.expect_close("frame_too_large")


@S.check("depth of a payload, and of the headers")
def depth_is_limited(t):
    for kind in ("plain", "small") if t.hubs.binary else ("plain",):
        most = t.open(kind).facts["max_depth"]
        if kind == "plain" and t.hubs.binary:
            t.equal(most, 32, "max_depth of a hub that is not configured")
        t.true(most <= 64, "max_depth is over 64")
        for wrap in (lambda v: [v], lambda v: {"k": v}):
            deep = 1
            for _ in range(most - 1):
                deep = wrap(deep)
            c = t.open(kind)
            c.send(EVENT, t.topic(), wrap(deep))
            c.send(EVENT, t.topic(), 1, {"mine": deep})
            c.nothing()
            c.send(EVENT, t.topic(), wrap(wrap(deep)))
            c.expect_refused(0, 2, "too_deep")
            c.send(EVENT, t.topic(), 1, {"mine": wrap(deep)})
            c.expect_refused(0, 3, "too_deep")


@S.check("elements of a payload, and of the headers")
def elements_are_limited(t):
    for kind in ("plain", "small") if t.hubs.binary else ("plain",):
        most = t.open(kind).facts["max_elements"]
        if kind == "plain" and t.hubs.binary:
            t.equal(most, 65_536, "max_elements of a hub that is not configured")
        c = t.open(kind)
        c.send(EVENT, t.topic(), [1] * most)
        c.send(EVENT, t.topic(), {n: 1 for n in range(most // 2)})
        c.send(EVENT, t.topic(), 1, {"mine": [1] * (most - 2)})
        c.nothing()
        c.send(EVENT, t.topic(), [1] * (most + 1))
        c.expect_refused(0, 3, "too_many_elements")
        c.send(EVENT, t.topic(), {n: 1 for n in range(most // 2 + 1)})
        c.expect_refused(0, 4, "too_many_elements")
        c.send(EVENT, t.topic(), 1, {"mine": [1] * (most - 1)})
        c.expect_refused(0, 5, "too_many_elements")


@S.check("topic name or filter")
def names_and_filters_have_255_bytes_and_32_tokens(t):
    base = t.topic("")
    for good in (base + "x" * (255 - len(base)), ".".join(["a"] * 29 + [t.prefix, "b", "c"])):
        t.accepts_event(good)
        t.open().subscribe(good[:-1] + "*" if good[-2] == "." else good)
    for bad in (base + "x" * (256 - len(base)), ".".join(["a"] * 33)):
        t.refuses_event("bad_topic", bad, 1)
        t.refuses_subscribe("bad_filter", bad)
    t.open().subscribe(".".join(["*"] * 31 + ["**"]))
    t.refuses_subscribe("bad_filter", ".".join(["*"] * 32 + ["**"]))


@S.check("The depth is how many arrays and maps", hub="flat")
def depth_counts_nested_arrays_and_maps(t):
    for good in (1, [1, 2], {"a": 1}, []):
        t.accepts_event(t.topic(), good)
    for bad in ([[1]], [{}], {"a": []}):
        t.refuses_event("too_deep", t.topic(), bad)


@S.check("The elements are all values", "In a map, a key is one element", '`[1, {"a": 2}]` has four', hub="tiny")
def elements_count_keys_and_values(t):
    for good in ([1, {"a": 2}], [1, 2, 3, 4], {"a": 1, "b": 2}, [[1, 2], 3], [[], [], [], []]):
        t.accepts_event(t.topic(), good)
    for bad in ([1, {"a": 2}, 3], [1, 2, 3, 4, 5], {"a": 1, "b": 2, "c": 3}, [[1, 2, 3], 4], {"a": [1, 2, 3]}):
        t.refuses_event("too_many_elements", t.topic(), bad)


@S.check("Payload and headers are counted separately", hub="tiny")
def payload_and_headers_are_counted_separately(t):
    t.accepts_event(t.topic(), [1, 2, 3, 4], {"a": 1, "b": 2})
    t.refuses_event("too_many_elements", t.topic(), 1, {"a": 1, "b": 2, "c": 3})


@S.check("A hub may limit more", "The hub slows a client above such a limit", hub="small")
def other_limits_are_told_with_a_code(t):
    c = t.open()
    for number in range(4):
        c.subscribe(t.topic(str(number)))
    c.send(SUBSCRIBE, 9, t.topic(), {})
    c.expect_refused(1, 9, "too_many_subscriptions")
    t.start(max_topics=3)
    d = t.open()
    for number in range(4):
        d.event(t.topic(str(number)), 1)
    d.expect_refused(0, 3, "too_many_topics")


@S.check("A request is an event like any other", "So open requests have no limit")
def open_requests_have_no_limit(t):
    t.subscriber(t.topic(), overflow="block")
    c = t.open()
    inbox, many = c.facts["inbox"], 5000
    c.subscribe(inbox)
    c.send_all([EVENT, t.topic(), 1, {"id": str(n), "reply": inbox}] for n in range(many))
    c.nothing()
    answers = t.open()
    answers.send_all([[EVENT, inbox, n, {"re": str(n)}] for n in (0, many - 1)])
    t.equal([d.payload for d in c.take(2, inbox)], [0, many - 1], "the replies")


@S.check("If a reply does not fit into the queue", hub="small")
def a_reply_that_does_not_fit_is_a_gap(t):
    c = asleep(t, None)  # subscribes to its inbox
    inbox = c.facts["inbox"]
    answers, many = t.open(), 800
    for n in range(many):
        answers.event(inbox, b"z" * 15_000, {"re": str(n)})
    answers.nothing(REFUSED)
    got = c.take(many, inbox)
    gaps = [d for d in got if isinstance(d, Gap)]
    t.true(gaps, f"{many} replies of 15 KB came to a client that read nothing")
    t.equal({gap.reason for gap in gaps}, {GAPS["overflow"]}, "the reason of the GAP")


@S.check("Check the length of a frame before")
def lengths_are_checked_before_memory_is_reserved(t):
    t.closes("frame_too_large", b"\xff\xff\xff\xff")
    t.closes("protocol_error", b"\xff\xff\xff\xff", after_hello=False)
