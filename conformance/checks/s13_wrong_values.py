"""Section 13: which code answers a wrong value."""

from suite import msgpack as mp
from suite.check import Section
from suite.frames import CLOSE, EVENT, HELLO, PING, PONG, SUBSCRIBE, SUBSCRIBED, TAKEN, UNSUBSCRIBE

S = Section("13")
SMALL = {TAKEN: [1, 0, None, None], PING: [1], PONG: [1], CLOSE: [200, "x", None]}
MAP_65 = {f"k{n}": 1 for n in range(65)}


def body(*elements):
    return mp.pack(list(elements))


@S.check("the frame is not well-formed, text in it is not UTF-8", "`protocol_error` and `unauthorized` are codes of CLOSE")
def frames_that_are_not_well_formed(t):
    topic = mp.pack(t.topic())
    for data in (b"\x94\x01\xa3hub\x01\xc1", body(HELLO, "hub", 1), body(HELLO, "hub", 1, {}) + b"\x01"):
        t.closes("protocol_error", body=data, after_hello=False)
    t.closes("protocol_error", body=body(HELLO, "hub", 1, {"name": mp.text(1, b"\xff")}), after_hello=False)
    for data in (b"\x93\x03" + topic + b"\xc1", body(EVENT, t.topic()), body(EVENT, t.topic(), mp.text(1, b"\xff"))):
        t.refuses_event("malformed", body=data)
    t.refuses_event("malformed", body=body(EVENT, t.topic(), 1) + b"\x01")
    c = t.open()
    for kind, rest in ((SUBSCRIBE, [t.topic(), {}]), (UNSUBSCRIBE, [False])):
        whole = body(kind, 7, *rest)
        for data in (body(kind, 7, *rest[:-1]), whole + b"\x01", whole[:-1] + b"\xc1"):
            c.send_body(data)
            c.expect_refused(1 if kind == SUBSCRIBE else 2, 7, "malformed")
    c.send_body(body(SUBSCRIBE, 7, mp.text(1, b"\xff"), {}))
    c.expect_refused(1, 7, "malformed")
    for kind, rest in SMALL.items():
        for data in (body(kind, *rest[:-1]), body(kind, *rest) + b"\x01"):
            t.closes("protocol_error", body=data)


@S.check(
    "an element has the wrong type",
    "If the id of a SUBSCRIBE or an UNSUBSCRIBE cannot be read",
    "The message of a REFUSED, or the reason of a CLOSE",
)
def elements_of_the_wrong_type(t):
    for wrong in (None, -1, 1.0, [], True):
        t.closes("protocol_error", body=body(HELLO, "hub", 1, wrong), after_hello=False)
        t.refuses_event("malformed", wrong, 1)
        t.true(t.refuses_subscribe("malformed", wrong)[4], "the message is empty")
        c = t.open()
        c.send(SUBSCRIBE, 7, t.topic(), wrong)
        t.true("options" in c.expect_refused(1, 7, "malformed")[4], "the message does not name the element")
        if wrong is not True:
            c.send(UNSUBSCRIBE, 7, wrong)
            t.true("drain" in c.expect_refused(2, 7, "malformed")[4], "the message does not name the element")
        for kind in (SUBSCRIBE, UNSUBSCRIBE):
            t.closes("protocol_error", body=body(kind, wrong, t.topic(), {}))
        for kind, rest in SMALL.items():
            frame = t.closes("protocol_error", body=body(kind, wrong, *rest[1:]))
            t.true(frame[2], "the reason is empty")


@S.check("elements follow the known ones")
def further_elements(t):
    c = t.connect()
    c.send(HELLO, "hub", 1, {}, None, 7)
    c.facts_from(c.expect(2, 1))
    t.refuses_event("malformed", t.topic(), 1, {}, 7)
    c.send(SUBSCRIBE, 7, t.topic(), {}, 1, 2)
    c.expect(SUBSCRIBED, 7)
    c.send(TAKEN, 7, 0, None, None, 1)
    c.send(UNSUBSCRIBE, 7, False, 1)
    c.send(PONG, 1, 2)
    c.nothing()


WRONG_OPTIONS = [
    {"overflow": 7}, {"group": 7}, {"start": 7}, {"after": 7}, {"positions": 7}, {"window": 7}, {"keep": 7}, {"more": 7},
    {"observe": 7}, {"after": {7: [1, 1]}}, {"after": {"a": 7}}, {"window": [1.0, 1]}, {"window": [None, 1]},
]  # fmt: skip
BAD_OPTIONS = [{"overflow": "x"}, {"group": ""}, {"start": "x"}, {"window": [0, 1]}, {"after": {"a": [1]}}, {"keep": True}]


@S.check(
    "a value in the map has the wrong type",
    "a value has the right type, and means nothing here",
    "The maps are the options of HELLO and SUBSCRIBE",
    "What is wrong with the topics and positions in `after`",
    "If several things are wrong at once",
)
def values_in_maps(t):
    for options in ({"name": 7}, {"instance": 7}, {"receipts": 7}, {"receipted": 1.0}, {"name": "a b"}, {"instance": b"x"}):
        t.hello_closes("protocol_error", "hub", 1, options)
    for credentials in (7, "x", {"token": 7}, {"user": "x"}, {"token": "x", "user": "y", "password": "z"}):
        t.hello_closes("unauthorized", "hub", 1, {"credentials": credentials})
    for headers in ({"id": 7}, {"key": None}, {"reply": 7}, {"reply": "a b"}):
        t.refuses_event("bad_header", t.topic(), 1, headers)
    t.accepts_event(t.topic(), 1, {"mine": -7.5})
    t.refuses_event("bad_topic", "a b", 1)
    t.refuses_subscribe("bad_filter", "a b")
    for options in WRONG_OPTIONS + BAD_OPTIONS:
        refused = t.refuses_subscribe("bad_option", t.topic(), options)
        named = next(iter(options)) in refused[4] or isinstance(next(iter(options.values())), (dict, list))
        t.true(named and refused[4], f"the message {refused[4]!r} does not name {options}")
    t.refuses_subscribe(["bad_filter", "bad_option"], "a b", {"overflow": 7, "start": "x"})


@S.check(
    "a key of the map is unknown",
    "a key of the map begins with `$`",
    "a key of the map comes twice, or is not a str",
)
def keys_of_maps(t):
    for options in ({"unknown": 1}, {"$unknown": 1}):
        c = t.connect()
        c.hello(**options)
        c.nothing()
        t.refuses_subscribe("bad_option", t.topic(), options)
    t.accepts_event(t.topic(), 1, {"unknown": 1})
    t.refuses_event("reserved_header", t.topic(), 1, {"$unknown": 1})
    for wrong in (mp.pairs([("a", 1), ("a", 1)]), mp.pairs([(7, 1)]), MAP_65):
        t.hello_closes("protocol_error", "hub", 1, wrong)
        t.refuses_event("bad_header", t.topic(), 1, wrong)
        t.refuses_subscribe("bad_option", t.topic(), wrong)
