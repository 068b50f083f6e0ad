"""Section 1: the forms of values."""

from suite import msgpack as mp
from suite.check import Section
from suite.frames import CLOSE, EVENT, HELLO, PING, PONG, REFUSED, SUBSCRIBE, UNSUBSCRIBE, WELCOME

S = Section("1")
SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")


@S.check("MessagePack is the format described at")
def text_and_bytes_differ(t):
    got = t.accepts_event(t.topic(), [b"abc", "abc", b"", b"\xff" * 300])
    t.equal(got.payload, [b"abc", "abc", b"", b"\xff" * 300], "the payload")
    t.refuses_event("malformed", b"a.topic", 1)
    t.hello_closes("protocol_error", b"hub", 1, {})
    t.hello_closes("protocol_error", "hub", 1, {"instance": "x" * 16})


@S.check("These rules hold for all frames", "The array is a fixarray", "The type is a positive fixint")
def a_frame_begins_with_fixarray_and_fixint(t):
    for body in (
        mp.array(2, [PING, 1]), mp.array(4, [PING, 1]), b"\x90", b"\x81\x0b\x01", b"\x0b", b"\xc0", b"\xa3hub",
        b"\x92\xcc\x0b\x01", b"\x92\xd0\x0b\x01", b"\x92\xff\x01", b"\x92\xa1\x0b\x01", b"\x92\xc0\x01", b"\xc1",
    ):  # fmt: skip
        t.closes("protocol_error", body=bytes(body))
    c = t.open()
    c.send_body(b"\x91\x7f")
    c.expect_refused(3, 0, "unknown_frame")
    c.send_body(b"\x9f\x0b\x01" + b"\xc0" * 13)
    c.expect(PONG, 1)


@S.check("An integer (uint) is 0 or more", "It may have any width and any form")
def integers_have_any_form(t):
    c = t.open()
    for form in (*SIGNED, *UNSIGNED):
        c.send(PING, mp.number(form, 5))
        c.expect(PONG, 5)
        c.send(SUBSCRIBE, mp.number(form, 9), t.topic(), {})
        c.expect(6, 9)
        c.send(UNSUBSCRIBE, mp.number(form, 9), False)
        c.nothing()
        c.send(SUBSCRIBE, 10, t.topic(), {"after": {t.topic(): [mp.number(form, 1), mp.number(form, 0)]}})
        c.expect(6, 10, skip=(4, 3, 10))
        c.send(UNSUBSCRIBE, 10, False)
        d = t.connect()
        d.send(HELLO, "hub", mp.number(form, 1), {"receipted": mp.number(form, 0)})
        d.facts_from(d.expect(WELCOME, 1))
        d.send(CLOSE, mp.number("uint16" if form in ("int8",) else form, 100), "x", mp.number(form, 7))
        d.expect_close("normal")


@S.check("The hub refuses a negative number")
def negative_numbers_are_refused(t):
    for form in SIGNED:
        t.closes("protocol_error", body=mp.pack([PING, mp.number(form, -1)]))
        t.closes("protocol_error", body=mp.pack([SUBSCRIBE, mp.number(form, -1), "a", {}]))
        t.closes("protocol_error", body=mp.pack([CLOSE, mp.number(form, -1), "x", None]))
        t.refuses_subscribe(["malformed", "bad_option"], t.topic(), {"after": {"a": [1, mp.number(form, -1)]}})
    t.closes("protocol_error", body=mp.pack([PING, -1]))
    t.hello_closes("protocol_error", "hub", 1, {"receipted": -1})


@S.check(("16/PING", "token | uint"))
def other_numbers_are_no_integers(t):
    for token in (1.0, mp.number("float32", 1), "1", b"1", None, True, [1], {}, mp.ext(1, b"1")):
        t.closes("protocol_error", body=mp.pack([PING, token]))


@S.check("A float is no integer", "Some libraries write integers above 2^32")
def floats_are_refused_with_a_word(t):
    word = "an integer written as a float"
    for value in (1.0, 2.0**40, mp.number("float32", 3)):
        frame = t.closes("protocol_error", body=mp.pack([PING, value]))
        t.true(word in frame[2], f"the reason is {frame[2]!r}")
        refused = t.refuses_subscribe(["malformed", "bad_option"], t.topic(), {"after": {t.topic(): [value, 1]}})
        t.true(word in refused[4], f"the message is {refused[4]!r}")
        refused = t.refuses_subscribe(["malformed", "bad_option"], t.topic(), {"window": [value, 100]})
        t.true(word in refused[4], f"the message is {refused[4]!r}")


@S.check("Values up to 2^64 - 1 are possible")
def integers_reach_64_bits(t):
    c = t.open()
    for value in (0, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**53 + 1, 2**63, 2**64 - 1):
        c.send(PING, value)
        c.expect(PONG, value)
        c.send(SUBSCRIBE, value, t.topic(), {})
        c.expect(6, value)
        c.send(UNSUBSCRIBE, value, False)
    c.nothing()


@S.check("This rule is about the integers that the hub itself reads", "Inside payloads and headers, negative")
def negative_numbers_in_payloads_are_allowed(t):
    floats = [1.0, 1.5, mp.number("float32", 1)]
    for value in (-1, -33, -129, -(2**31), -(2**63), *(mp.number(form, -7) for form in SIGNED), *floats):
        t.accepts_event(t.topic(), [value, {"n": value}], {"mine": value})
        t.accepts_event(t.topic(), value)


BAD_TEXT = (b"\xff", b"\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\x80")


@S.check("Text (str) is strict UTF-8")
def text_is_strict_utf8(t):
    for data in BAD_TEXT:
        bad = mp.text(1, data)
        t.refuses_event("malformed", bad, 1)
        t.refuses_event("malformed", t.topic(), [bad])
        t.refuses_event("malformed", t.topic(), {bad: 1})
        t.refuses_event("malformed", t.topic(), 1, {"mine": bad})
        t.refuses_event("malformed", t.topic(), 1, {bad: 1})
        t.refuses_subscribe("malformed", bad)
        t.closes("protocol_error", body=mp.pack([CLOSE, 200, bad, None]))
        t.hello_closes("protocol_error", "hub", 1, {"name": bad})
    t.accepts_event(t.topic(), ["é", "日本", "\U0001f600", "\x00", "\uffff"])


@S.check("Lengths and counts may have any width")
def lengths_have_any_width(t):
    s, c, topic = t.subscriber(t.topic()), t.open(), t.topic()
    for width in (1, 2, 4):
        wide = max(width, 2)
        key, value = mp.text(width, "mine"), mp.sized({1: 0xC4, 2: 0xC5, 4: 0xC6}[width], width, b"abc")
        payload = mp.array(wide, [value, mp.text(width, "é"), mp.pairs([(key, 1)], wide)])
        body = mp.pack([EVENT, mp.text(width, topic), payload, mp.pairs([(key, payload)], wide)])
        c.send_body(body)
        c.nothing(REFUSED)
        t.equal(s.take(1, topic)[0].body, body, "the bytes of the event")
        d = t.connect()
        instance = mp.sized({1: 0xC4, 2: 0xC5, 4: 0xC6}[width], width, bytes(range(16)))
        d.send(HELLO, mp.text(width, "hub"), 1, mp.pairs([(mp.text(width, "instance"), instance)], wide))
        d.facts_from(d.expect(WELCOME, 1))
        d.send(SUBSCRIBE, 1, mp.text(width, topic), mp.pairs([(mp.text(width, "start"), mp.text(width, "live"))], wide))
        d.expect(6, 1)
        again = {mp.text(width, topic): mp.array(wide, [1, 0])}
        d.send(SUBSCRIBE, 2, topic, {"after": mp.pairs(list(again.items()), wide)})
        d.expect(6, 2, skip=(3, 4, 10))


@S.check("The keys of maps that the hub reads")
def keys_are_text(t):
    for key in (1, b"mine", None, True, 1.5, [1]):
        made = mp.pairs([(key, 1)])
        t.hello_closes("protocol_error", "hub", 1, made)
        t.refuses_subscribe(["malformed", "bad_option"], t.topic(), made)
        c = t.open()
        c.send(EVENT, t.topic(), 1, made)
        c.expect_refused(0, 0, "malformed", "bad_header")


@S.check("No key may come twice")
def no_key_comes_twice(t):
    t.hello_closes("protocol_error", "hub", 1, mp.pairs([("receipts", True), ("receipts", True)]))
    t.hello_closes("protocol_error", "hub", 1, mp.pairs([("unknown", 1), (mp.text(1, "unknown"), 1)]))
    t.refuses_subscribe(["malformed", "bad_option"], t.topic(), mp.pairs([("start", "live"), ("start", "live")]))
    twice = mp.pairs([("a", [1, 1]), (mp.text(2, "a"), [1, 1])])
    t.refuses_subscribe(["malformed", "bad_option"], t.topic(), {"after": twice})
    for key in ("id", "mine"):
        c = t.open()
        c.send(EVENT, t.topic(), 1, mp.pairs([(key, "x"), (mp.text(1, key), "x")]))
        c.expect_refused(0, 0, "malformed", "bad_header")


@S.check("Such a map has at most 64 entries")
def maps_have_64_entries(t):
    many = {f"k{i}": i for i in range(64)}
    t.connect().hello(**many)
    t.hello_closes("protocol_error", "hub", 1, many | {"more": 1})
    t.accepts_event(t.topic(), 1, many)
    c = t.open()
    c.send(EVENT, t.topic(), 1, many | {"more": 1})
    c.expect_refused(0, 0, "malformed", "bad_header", "too_many_elements")
    c.subscribe(t.topic(), after={t.topic(str(i)): [1, 1] for i in range(500)})


@S.check("A nil is allowed only where")
def nil_is_allowed_only_where_said(t):
    t.open(name=None, receipted=None, credentials=None)
    for option in ("instance", "receipts"):
        t.hello_closes("protocol_error", "hub", 1, {option: None})
    for elements in ([None, 1, {}], ["hub", 1, None]):
        t.hello_closes("protocol_error", *elements)
    t.open().subscribe(t.topic(), group=None)
    for option in ("overflow", "start", "after", "positions"):
        t.refuses_subscribe(["malformed", "bad_option"], t.topic(), {option: None})
    t.refuses_subscribe("malformed", None)
    t.refuses_event("malformed", None, 1)
    t.refuses_event("malformed", t.topic(), 1, None)
    for header in ("id", "reply", "re", "trace", "type", "key"):
        t.refuses_event("bad_header", t.topic(), 1, {header: None})
    t.accepts_event(t.topic(), None, {"mine": None})
    for body in ([CLOSE, None, "x", None], [CLOSE, 200, None, None], [PONG, None]):
        t.closes("protocol_error", body=mp.pack(body))
