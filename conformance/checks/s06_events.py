"""Section 6: sending events, headers, publish numbers, receipts and refusals."""

import os

from suite import msgpack as mp
from suite.check import Section
from suite.frames import EVENT, PING, RECEIPT, REFUSED, SUBSCRIBE, UNSUBSCRIBE

S = Section("6")


@S.check("A client sends an EVENT with a topic", "An empty map of headers", ("16/EVENT", "headers | map"))
def headers_may_be_left_out(t):
    t.equal(t.accepts_event(t.topic(), 1).headers, {}, "headers that were left out")
    t.equal(t.accepts_event(t.topic(), 1, {}).headers, {}, "an empty map of headers")
    t.equal(t.accepts_event(t.topic(), 1, {"id": "x"}).headers, {"id": "x"}, "headers")
    for bad in ([], "x", 1, None, True, b"x"):
        t.refuses_event("malformed", t.topic(), 1, bad)


VALUES = [
    None, True, False, 0, 127, 128, 2**64 - 1, -1, -(2**63), 1.5, float("inf"), mp.number("float32", 0.5), "", "x" * 300,
    b"", b"\x00" * 70_000, [], [1, [2]], {}, {"a": {"b": None}}, *(mp.number(form, 3) for form in mp.INTEGERS),
]  # fmt: skip


@S.check("The payload is one MessagePack value", ("16/EVENT", "payload | any"))
def payloads_are_any_value(t):
    for value in VALUES:
        t.accepts_event(t.topic(), value)
    t.refuses_event("malformed", body=b"\x92\x03" + mp.pack(t.topic()))


@S.check("The keys of its maps may be of any type")
def keys_in_payloads_have_any_type(t):
    for key in (1, -1, None, True, 1.5, b"k", "k", [1], {"a": 1}, mp.ext(5, b"k")):
        t.accepts_event(t.topic(), mp.pairs([(key, "v")]))


@S.check("Extension types are allowed")
def extension_types_are_allowed(t):
    for kind in (-128, -1, 0, 1, 127):
        for size in (0, 1, 5, 255):
            t.accepts_event(t.topic(), mp.ext(kind, b"x" * size))
    for code, size in ((0xD4, 1), (0xD5, 2), (0xD6, 4), (0xD7, 8), (0xD8, 16)):
        t.accepts_event(t.topic(), [mp.Raw(bytes([code, 0xFF]) + b"x" * size)])
    t.accepts_event(t.topic(), mp.Raw(b"\xc8\x00\x03\x01abc"), {"mine": mp.Raw(b"\xc9\x00\x00\x00\x03\x01abc")})


BROKEN = [
    b"", b"\xc1", b"\xa5abc", b"\xd9\x05abc", b"\xc4\x05abc", b"\x92\x01", b"\x82\x01\x02\x03", b"\xcd\x01", b"\xcb\x00\x00",
    b"\xdd\xff\xff\xff\xff\x01", b"\xdf\xff\xff\xff\xff\x01", b"\xdb\xff\xff\xff\xffabc", b"\xc9\xff\xff\xff\xff\x01",
    b"\xd8\x01abc", b"\x91\xc1", b"\x81\xc1\x01", b"\xa1\xff", b"\xc0\xc0", b"\x01\x80\x01",
]  # fmt: skip


@S.check("The hub checks every byte of the payload", ("14", "1 | `malformed`"), ("13", "an EVENT that is malformed"))
def every_byte_of_the_payload_is_checked(t):
    s = t.subscriber(t.topic())
    for data in BROKEN:
        t.refuses_event("malformed", body=b"\x93\x03" + mp.pack(t.topic()) + data)
        t.refuses_event("malformed", body=b"\x94\x03" + mp.pack(t.topic()) + data + b"\x80")
        # Behind a good payload, in a header that the hub does not know.
        t.refuses_event("malformed", body=b"\x94\x03" + mp.pack(t.topic()) + b"\x01\x81\xa4mine" + data)
    t.equal(s.delivered(s.flush()), [], "what came of malformed events")
    t.accepts_event(
        t.topic(), mp.pairs([(mp.text(4, "k"), mp.array(4, [mp.number("int64", 1), mp.number("uint64", 1)]))], 4)
    )


@S.check("Headers are a map from str to any value", "The hub forwards other keys as they are")
def other_headers_are_forwarded(t):
    for value in VALUES:
        t.accepts_event(t.topic(), 1, {"mine": value, "id": "x", "": value, "dollar$": 1, "é": [value]})


@S.check(
    "These keys have a meaning",
    "The hub refuses keys that start with `$`",
    ("14", "6 | `bad_header`"),
    ("14", "7 | `reserved_header`"),
)
def known_headers_have_types(t):
    for key in ("id", "reply", "re", "trace", "type", "key"):
        for bad in (1, b"x", True, 1.5, [], {}, mp.ext(1, b"x")):
            t.refuses_event("bad_header", t.topic(), 1, {key: bad})
    for key in ("$", "$a", "$id", "$hub"):
        t.refuses_event("reserved_header", t.topic(), 1, {key: 1})
        t.refuses_event("reserved_header", t.topic(), 1, {"mine": 1, key: "x"})


@S.check("`id` | str", "`re` | str", "`trace` | str", "`type` | str", "`key` | str")
def known_headers_are_forwarded(t):
    for key in ("id", "re", "trace", "type", "key"):
        for good in ("", "x", "é" * 200):
            t.accepts_event(t.topic(), 1, {key: good})
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    t.accepts_event(t.topic(), 1, {"id": "a", "re": "b", "trace": trace, "type": "T", "key": "k"})


@S.check("`reply` | str, a topic name", ("14", "8 | `no_subscriber`"), ("13", "a request without a subscriber"))
def the_header_reply_makes_a_request(t):
    t.refuses_event("no_subscriber", t.topic(), 1, {"reply": t.topic("answers")})
    t.accepts_event(t.topic(), 1, {"reply": t.topic("answers")})
    for bad in ("", ".", "a..b", "a.*", "**", "a b", ".".join(["a"] * 33), "x" * 256):
        t.refuses_event("bad_header", t.topic(), 1, {"reply": bad})
    t.refuses_event("no_subscriber", t.open().facts["inbox"], 1, {"re": "x"})


@S.check(
    "Every EVENT that a client sends has a publish number",
    "The number is not sent",
    "The first EVENT of an instance",
    "Every EVENT frame counts",
    "No other frame counts",
)
def both_sides_count_events(t):
    c = t.open(instance=os.urandom(16))
    c.send(PING, 1)
    c.event("not a topic", 1)
    c.expect(12, 1)
    c.expect_refused(0, 0, "bad_topic")
    c.subscribe(t.topic())
    c.event(t.topic(), 1)  # number 1
    c.send(UNSUBSCRIBE, 77, False)
    c.expect_refused(2, 77, "unknown_subscription")
    c.send(99, 1)
    c.expect_refused(3, 0, "unknown_frame")
    c.send(SUBSCRIBE, 78, "not a filter", {})
    c.expect_refused(1, 78, "bad_filter")
    c.send_body(mp.pack([EVENT]))  # number 2
    c.expect_refused(0, 2, "malformed")
    c.send_body(mp.pack([EVENT, t.topic(), 1, {}, 1]))  # number 3
    c.expect_refused(0, 3, "malformed")
    c.event("not a topic", 1)
    c.expect_refused(0, 4, "bad_topic")


@S.check("`received` in WELCOME is the number of the first", "It is 0 for an instance that the hub does not know")
def received_says_where_counting_goes_on(t):
    instance = os.urandom(16)
    for options, due in (
        ({"instance": instance}, [0, 2, 4]),
        ({"instance": instance, "receipts": True}, [6, 8]),
        ({}, [0, 0]),
    ):
        for received in due:
            c = t.open(receipted=received, **options)
            t.equal(c.facts["received"], received, "`received`")
            c.event(t.topic(), 1)
            c.event("not a topic", 1)
            c.expect_refused(0, received + 1, "bad_topic")
            c.flush()
            c.reset()
    t.equal(t.open(instance=os.urandom(16)).facts["received"], 0, "`received` of an unknown instance")


@S.check(
    "A REFUSED frame with `what` = 0 states",
    "The hub always sends it",
    ("16/EVENT", "An EVENT to the hub is answered by REFUSED"),
)
def refusals_always_come(t):
    for options in ({}, {"receipts": True}, {"receipts": False, "instance": os.urandom(16)}):
        s, c = t.subscriber(t.topic("**")), t.open(**options)
        for payload in range(20):
            c.event(t.topic("a") if payload % 2 else "a b", payload)
        seen = c.flush()
        t.equal([f[2] for f in seen if f[0] == REFUSED], list(range(0, 20, 2)), "the refused events")
        t.equal([d.payload for d in s.delivered(s.flush())], list(range(1, 20, 2)), "the accepted events")


@S.check(
    "A RECEIPT with `next` = n states",
    "A REFUSED for event n always comes before",
    "So when a RECEIPT comes",
    ("16/EVENT", "If the client asked for receipts"),
    ("16/RECEIPT", "`[8, next]`, from the hub"),
    ("16/RECEIPT", "next | uint"),
)
def receipts_say_what_was_accepted(t):
    s, c = t.subscriber(t.topic("**"), overflow="block"), t.open(receipts=True)
    for batch in range(30):
        first = c.published
        c.send_all([EVENT, t.topic() if n % 3 else "a b", first + n] for n in range(10))
        seen = c.until_receipt(first + 10)  # the client itself fails on a refusal behind its receipt
        t.true({f[0] for f in seen} <= {RECEIPT, REFUSED}, f"{seen} came to a publisher")
        refused = [f[2] for f in seen if f[0] == REFUSED]
        t.equal(c.receipt, first + 10, "the receipt")
        t.equal(refused, [first + n for n in range(10) if n % 3 == 0], "the refusals before the receipt")
        due = [first + n for n in range(10) if n % 3]
        t.equal([d.payload for d in s.delivered(s.flush())], due, "what the subscriber has once the receipt is there")


@S.check("Receipts are cumulative", "The hub sends at most one RECEIPT for each batch")
def one_receipt_stands_for_many_events(t):
    c, many = t.open(receipts=True), 3000
    c.send_all([EVENT, t.topic(), 1] for _ in range(many))
    count = 0
    while c.receipt < many:
        count += c.expect(RECEIPT)[0] == RECEIPT
    t.true(count < many / 4, f"{count} receipts came for {many} events that were sent at once")


@S.check("Accepted means", "It does not mean that anybody has read")
def accepted_means_queued_everywhere(t):
    subscribers = [t.subscriber(t.topic()) for _ in range(5)]
    asleep, c = t.subscriber(t.topic(), overflow="block"), t.open(receipts=True)
    for number in range(1, 20):
        c.event(t.topic(), number)
        c.expect(RECEIPT, number)
        for s in subscribers:
            got = s.delivered(s.flush())
            t.equal([(d.number, d.payload) for d in got], [(number, number)], "the event that has a receipt")
    t.equal(len(asleep.delivered(asleep.flush())), 19, "the events of the client that did not read")


@S.check("An event to which nobody subscribed is accepted")
def events_without_subscribers_are_accepted(t):
    c = t.open(receipts=True)
    c.event(t.topic(), 1)
    c.expect(RECEIPT, 1)
    c.event(t.topic(), 1, {"reply": c.facts["inbox"], "id": "x"})
    c.expect_refused(0, 1, "no_subscriber")
    got = t.open().subscribe(t.topic(), start="last")[1]
    t.equal(len(got), 2, "the frames of the last event: a RUN and an EVENT")


@S.check("The events that one client sends to one topic")
def events_of_one_client_keep_their_order(t):
    s = t.subscriber(t.topic("*"), overflow="block")
    publishers, many = [t.open() for _ in range(3)], 400
    for first in range(0, many, 20):
        for c in publishers:
            c.send_all([EVENT, t.topic(str(n % 2)), [c.facts["connection"], n]] for n in range(first, first + 20))
    got = s.take(3 * many)
    for c in publishers:
        for topic in range(2):
            mine = [
                d.payload[1] for d in got if d.topic == t.topic(str(topic)) and d.payload[0] == c.facts["connection"]
            ]
            t.equal(mine, list(range(topic, many, 2)), "the events of one client on one topic")


@S.check(
    "If the event has the header `id`, the frame repeats it",
    ("16/REFUSED", "id | str or nil"),
    ("16/REFUSED", "`id` is nil if the frame was no EVENT"),
    ("16/REFUSED", "If a REFUSED is repeated after a resume, its `id`"),
)
def a_refusal_repeats_the_id(t):
    instance, good = os.urandom(16), [("é" * 20, "é" * 20), ("", ""), ("x" * 64, "x" * 64), ("x" * 255, "x" * 255)]
    long, none = [("x" * 256, None)], [(7, None), (None, None)]
    c = t.open(instance=instance, receipts=True)
    ids = good + long + none
    for number, (name, due) in enumerate(ids):
        c.event("a b", 1, {"id": name, "mine": 1})
        refused = c.expect_refused(0, number, "bad_topic", "bad_header")
        t.equal(refused[7], due, f"`id` of a refused event with the id {name!r:.20}")
    for headers in ({}, {"key": "k"}, None):
        c.event(*(["a b", 1] if headers is None else ["a b", 1, headers]))
        t.equal(c.expect_refused(0, c.published - 1, "bad_topic")[7], None, "`id` of an event without one")
    c.send_body(b"\x94\x03" + mp.pack("a b") + b"\x01" + mp.pairs([("id", "x"), ("id", "x")]))
    c.send_body(b"\x94\x03" + mp.pack("a b") + b"\xc1" + mp.pack({"id": "x"}))
    c.send(SUBSCRIBE, 7, "a b", {})
    c.send(127, 1)
    refused = [f for f in c.flush() if f[0] == REFUSED]
    t.equal([f[7] for f in refused], [None] * 4, "`id` of events that have it twice or are malformed, and of other frames")
    c.reset()
    d = t.open(instance=instance, receipts=True, receipted=0)
    again = [f[7] for f in d.flush() if f[0] == REFUSED][: len(ids)]
    t.equal(again, ["é" * 20, "", "x" * 64, None, None, None, None], "the ids that are repeated after a resume")
