"""Section 13: what is refused, and what ends the connection."""

import base64
import json
import time

from suite import msgpack as mp
from suite.check import Section
from suite.frames import CLOSE, EVENT, HELLO, NAMES, PONG, REFUSED, SUBSCRIBE, UNSUBSCRIBE
from suite.hubs import PASSWORD
from suite.tls import context

S = Section("13")


@S.check(
    "A refused frame harms nothing else",
    "What makes the stream itself doubtful",
    ("16/REFUSED", "`[9, what, number, code"),
    ("16/REFUSED", "number | uint"),
    ("16/REFUSED", "what | uint"),
)
def a_refused_frame_harms_nothing_else(t):
    s, c = t.subscriber(t.topic()), t.open()
    c.send_all([
        [EVENT, t.topic(), 0], [EVENT, "a b", mp.Raw(b"\xc1")], [EVENT, t.topic(), 1], [SUBSCRIBE, 1, "a b", {}],
        [UNSUBSCRIBE, 9, False], [99, mp.Raw(b"\xc1")], [EVENT, t.topic(), 2],
    ])  # fmt: skip
    seen = c.flush()
    t.equal([f[1:3] for f in seen], [[0, 1], [1, 1], [2, 9], [3, 0]], "the refusals: `what` and `number`")
    t.equal([d.payload for d in s.take(3)], [0, 1, 2], "the events around the refused frames")


@S.check("something else than a HELLO with the magic word", ("16/HELLO", "magic word | str"))
def strangers_are_sent_away(t):
    for data in (
        b"GET / HTTP/1.1\r\nhost: hub\r\n\r\n",
        b"SSH-2.0-x\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"*1\r\n$4\r\nPING\r\n",
    ):
        t.closes("protocol_error", data, after_hello=False)
    for word in ("HUB", "hub ", "", "nats", b"hub", 7, None):
        t.hello_closes("protocol_error", word, 1, {})


@S.check("a frame of length 0")
def a_length_of_0_ends_the_connection(t):
    for after_hello in (True, False):
        t.closes("protocol_error", b"\x00\x00\x00\x00", after_hello=after_hello)


@S.check("a frame that is longer than the limit", ("14", "205 | `frame_too_large`"))
def a_length_above_the_limit_ends_the_connection(t):
    c = t.open()
    frame = t.closes("frame_too_large", (c.facts["max_frame"] + 1).to_bytes(4, "big"))
    t.equal(frame[1], 205, "the code")
    t.closes("frame_too_large", b"\x7f\xff\xff\xff")


@S.check("a HELLO of more than 4096 bytes")
def a_long_hello_ends_the_connection(t):
    for size in (4097, 65_536, 2**24, 2**32 - 1):
        t.closes("protocol_error", size.to_bytes(4, "big"), after_hello=False)


@S.check("a HELLO whose versions cannot be read", ("16/HELLO", '`[1, "hub", version, {options}]`'))
def a_malformed_hello_ends_the_connection(t):
    for elements in (
        [],
        ["hub"],
        ["hub", 1],
        ["hub", 1, []],
        ["hub", 1, None],
        ["hub", 1, "x"],
        ["hub", "1", {}],
        ["hub", None, {}],
        ["hub", -1, {}],
        ["hub", [], {}],
        ["hub", [1], {}],
        ["hub", [1, "2"], {}],
        ["hub", [1, -1], {}],
        ["hub", [1, None], {}],
    ):
        t.hello_closes("protocol_error", *elements)
    head = b"\x94\x01\xa3hub\x01"
    for body in (
        head,
        head + b"\x81\xa4name",
        head + b"\x81\xa1a\xc1",
        head + b"\x80\x80",
        head + b"\x81\xa4name\xa3a b",
    ):
        t.closes("protocol_error", body=body, after_hello=False)


@S.check("a HELLO with a JWT, while the hub cannot fetch", hub="access")
def a_jwt_without_keys_is_told_to_come_back(t):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    claims = {"iss": "https://issuer.example", "aud": "hub", "sub": "ann", "exp": int(time.time()) + 600}
    jwt = f"{part({'alg': 'ES256', 'kid': 'k', 'typ': 'JWT'})}.{part(claims)}.{base64.urlsafe_b64encode(bytes(64)).decode().rstrip('=')}"
    t.hello_closes("overloaded", "hub", 1, {"credentials": {"jwt": jwt}})


@S.check("a HELLO with `credentials` that the hub cannot check in time")
def credentials_that_cannot_be_checked_in_time_may_be_shown_again(t):
    t.hubs.address("access")
    t.start(access="access.toml", handshake_ms=1000)
    crowd = []
    for _ in range(200):
        # HELLO follows at once. One that comes after the time of the handshake gets `handshake_timeout`.
        crowd.append(t.connect())
        crowd[-1].send(HELLO, "hub", 1, {"credentials": {"user": "guest", "password": "not the password"}})
    codes = {c.read()[1] for c in crowd}
    t.equal(codes - {103, 203}, set(), "other codes than overloaded and unauthorized")
    t.true(103 in codes, "the hub checked 200 passwords within a second")


@S.check("a connection above a limit", ("14", "106 | `too_many_connections`"), hub="address")
def a_connection_too_many_is_told_before_hello(t):
    for _ in range(2):
        t.open()
    frame = t.connect().expect_close("too_many_connections")
    t.equal(frame[1], 106, "the code")
    t.open("full"), t.open("full")
    t.connect("full").expect_close("overloaded")


@S.check("a connection above a limit")
def a_tls_connection_too_many_ends_without_close(t):
    t.hubs.address("tls")
    t.start(tls_cert="hub.pem", tls_key="hub.pem", max_connections=1)
    t.connect(tls=context()).hello()
    late = t.connect()
    late.stream.settimeout(t.wait)
    try:
        t.equal(late.stream.recv(1), b"", "what came instead of a TLS handshake")
    except ConnectionError:
        pass


@S.check("an EVENT for a new topic above a limit", ("14", "16 | `too_many_topics`"))
def a_topic_too_many_is_refused(t):
    t.start(max_topics=2)
    c = t.open()
    for name in "abcab":
        c.event(t.topic(name), 1)
    c.expect_refused(0, 2, "too_many_topics")
    c.nothing()


@S.check(
    "an EVENT or SUBSCRIBE while the hub is so short of memory",
    ("14", "19 | `overloaded`"),
    ("14", "103 | `overloaded`"),
)
def a_hub_short_of_memory_refuses(t):
    t.start(memory_bytes=48 * 2**20, memory_grace_ms=500)
    c, refused = t.open(), []
    positions = {f"{t.topic('x' * 100)}.{n}": [1, 1] for n in range(400)}
    for turn in range(2000):  # nothing but the end of the connection frees them
        c.send(SUBSCRIBE, turn, t.topic("none"), {"after": positions})
        refused = [f for f in c.flush() if f[0] == REFUSED]
        if refused:
            break
    t.equal([f[1:4] for f in refused], [[1, turn, 19]], "the answer to SUBSCRIBE at a hub with 48 MiB")
    c.event(t.topic("new"), 1)
    t.equal([f[1:4] for f in c.flush() if f[0] == REFUSED], [[0, 0, 19]], "the answer to EVENT")
    d = t.connect()
    d.send(HELLO, "hub", 1, {})
    t.equal(d.read()[:2], [CLOSE, 103], "what a new connection got")


@S.check("an EVENT above the rate at which", hub="rate")
def an_event_above_the_rate_is_read_later(t):
    c, began = t.open(receipts=True), time.monotonic()
    c.send_all([EVENT, t.topic(), n] for n in range(30))
    seen = c.until_receipt(30)
    t.true(all(f[0] != REFUSED for f in seen), "an event above the rate was refused")
    took = time.monotonic() - began  # 5 events at once, and then 50 a second
    t.true(took > 0.35, f"30 events took {took:.2f} s at a rate of 50 a second")


@S.check("an EVENT on a topic to which the client may not send", hub="access")
def what_a_client_may_not_do_is_forbidden(t):
    c = t.open(credentials={"user": "guest", "password": PASSWORD})
    c.event(t.topic("denied"), 1)
    c.expect_refused(0, 0, "forbidden")
    c.send(SUBSCRIBE, 1, t.topic("denied"), {})
    c.expect_refused(1, 1, "forbidden")
    c.send(SUBSCRIBE, 1, "$hub.quarantine.**", {})
    c.expect_refused(1, 1, "forbidden")
    c.event(t.topic("allowed"), 1)
    c.nothing()


@S.check("a second HELLO", ("14", "201 | `protocol_error`"))
def a_second_hello_ends_the_connection(t):
    frame = t.closes("protocol_error", body=mp.pack([HELLO, "hub", 1, {}]))
    t.equal(frame[1], 201, "the code")


@S.check("a frame that only the hub sends")
def frames_of_the_hub_end_the_connection(t):
    frames = [
        [2, 1, {}], [4, "a", 1, 1, 1, "p", 1, None], [6, 1], [8, 1], [9, 0, 1, 1, "x", None, None],
        [10, "a", 1, 1, 2, 1, None], [2], [4], [6], [8], [9], [10],
    ]  # fmt: skip
    for frame in frames:
        t.closes("protocol_error", body=mp.pack(frame))


@S.check("bytes that are not a fixarray with a type")
def bytes_without_a_type_end_the_connection(t):
    for body in (
        b"\x90",
        b"\xc0",
        b"\x0b",
        b"\x80",
        b"\x91",
        b"\x91\x80",
        b"\x92\xe0\x01",
        b"\xdc\x00\x02\x0b\x01",
        b"hub",
        b"\x91\xcc\x0b",
    ):
        t.closes("protocol_error", body=body)


@S.check("a type that the hub does not know", ("14", "14 | `unknown_frame`"))
def unknown_types_are_refused(t):
    c = t.open()
    for kind in (0, *range(max(NAMES) + 1, 128)):
        c.send(kind, 1, "x", {})
        c.expect_refused(3, 0, "unknown_frame")
    c.nothing()


@S.check("an EVENT that is malformed")
def malformed_events_are_refused(t):
    topic = mp.pack(t.topic())
    for body in (
        b"\x91\x03", b"\x92\x03" + topic, b"\x93\x03\x07\x01", b"\x93\x03" + topic + b"\xc1", b"\x93\x03" + topic,
        b"\x93\x03" + topic + b"\x01\x01", b"\x94\x03" + topic + b"\x01\x80\x01", b"\x95\x03" + topic + b"\x01\x80\x01",
        b"\x94\x03" + topic + b"\x01\x90", b"\x94\x03" + topic + b"\x01\xc0", b"\x94\x03" + topic + b"\x01\x81\xa1a",
        b"\x93\x03" + topic + b"\xa1\xff", b"\x93\x03\xa1\xff\x01",
    ):  # fmt: skip
        t.refuses_event("malformed", body=body)


@S.check(
    "an EVENT whose payload or headers are above a limit",
    ("14", "2 | `too_deep`"),
    ("14", "3 | `too_many_elements`"),
    hub="small",
)
def events_above_a_limit_are_refused(t):
    t.refuses_event("too_deep", t.topic(), [[[[[1]]]]])
    t.refuses_event("too_deep", t.topic(), 1, {"mine": [[[[1]]]]})
    t.refuses_event("too_many_elements", t.topic(), [1] * 17)
    t.refuses_event("too_many_elements", t.topic(), 1, {"mine": [1] * 15})
    c = t.open()
    c.send(EVENT, t.topic(), [[[[[1] * 17]]]])
    c.expect_refused(0, 0, "too_deep", "too_many_elements")
    c.nothing()


@S.check("an EVENT with a wrong topic or header")
def events_with_a_wrong_topic_or_header_are_refused(t):
    t.refuses_event("bad_topic", "a..b", 1)
    t.refuses_event("reserved_topic", "$a", 1)
    t.refuses_event("bad_header", t.topic(), 1, {"id": 7})
    t.refuses_event("reserved_header", t.topic(), 1, {"$id": 7})


@S.check("a request without a subscriber, or a reply")
def requests_and_replies_to_nobody_are_refused(t):
    t.refuses_event("no_subscriber", t.topic(), 1, {"reply": t.topic("r"), "id": "x"})
    c = t.open()
    t.refuses_event("no_subscriber", c.facts["inbox"], 1, {"re": "x"})


@S.check(
    "a malformed SUBSCRIBE or UNSUBSCRIBE whose id can be read",
    ("16/SUBSCRIBE", "filter | str"),
    ("16/SUBSCRIBE", "options | map"),
)
def malformed_subscriptions_with_an_id_are_refused(t):
    for rest in (
        b"",
        mp.pack("a"),
        mp.pack(7) + b"\x80",
        mp.pack("a") + b"\xc0",
        mp.pack("a") + b"\x90",
        mp.pack("a") + b"\x81\xa5start",
        mp.pack("a") + b"\xc1",
        b"\xa1\xff\x80",
    ):
        c = t.open()
        count = {0: 2, 2: 3}.get(len(rest), 4)
        c.send_body(bytes([0x90 | count]) + b"\x05\x07" + rest)
        c.expect_refused(1, 7, "malformed")
        c.nothing()
    c = t.open()
    for body in (b"\x93\x07\x07\xc2\x07", b"\x92\x07\x07", b"\x93\x07\x07\xc0", b"\x93\x07\x07\x01"):
        c.send_body(body)  # a byte follows the array; `drain` is missing, nil, and a number
        c.expect_refused(2, 7, "malformed")
        c.nothing()


@S.check(
    "a malformed SUBSCRIBE or UNSUBSCRIBE whose id cannot be read",
    ("16/UNSUBSCRIBE", "id | uint"),
    ("16/SUBSCRIBE", "id | uint"),
)
def malformed_subscriptions_without_an_id_end_the_connection(t):
    for kind in (b"\x05", b"\x07"):
        for rest in (b"", b"\xff", b"\xc0", b"\xa1a", b"\xcb" + bytes(8), b"\xc1", b"\xcd\x01", b"\xc3"):
            t.closes("protocol_error", body=(b"\x92" if rest else b"\x91") + kind + rest)


@S.check("a SUBSCRIBE with a wrong filter or option", ("14", "10 | `bad_option`"))
def subscriptions_with_a_wrong_filter_or_option_are_refused(t):
    t.refuses_subscribe("bad_filter", "a..b")
    t.refuses_subscribe("reserved_topic", "$a")
    t.refuses_subscribe("bad_option", t.topic(), {"unknown": 1})
    t.refuses_subscribe("bad_option", t.topic(), {"overflow": "drop-nothing"})
    t.refuses_subscribe("forbidden", t.open().facts["inbox"])


@S.check("a malformed PING, PONG, CLOSE, TAKEN, ACK or RESUME")
def malformed_small_frames_end_the_connection(t):
    for body in (
        b"\x91\x0b", b"\x91\x0c", b"\x91\x0d", b"\x92\x0b\xff", b"\x92\x0c\xc0", b"\x92\x0b\x01\x01", b"\x92\x0c\xcd\x01",
        b"\x92\x0d\xcc\xc8", b"\x93\x0d\xcc\xc8\xa1x", b"\x94\x0d\xce\x00\x01\x00\x00\xa1x\xc0", b"\x94\x0d\xcc\xc8\xa1\xff\xc0",
        b"\x94\x0d\xcc\xc8\xa1x\xa1x", b"\x94\x0d\xa1x\xa1x\xc0", b"\x94\x0d\xcc\xc8\x07\xc0",
        b"\x91\x0e", b"\x92\x0e\x01", b"\x93\x0e\x01\x00", b"\x94\x0e\x01\x00\xc0", b"\x95\x0e\xff\x00\xc0\xc0",
        b"\x95\x0e\xc0\x00\xc0\xc0", b"\x95\x0e\x01\xc0\xc0\xc0", b"\x95\x0e\x01\xa1x\xc0\xc0",
        b"\x91\x0f", b"\x95\x0f\x01\x01\x01\x00", b"\x96\x0f\xc0\x01\x01\x00\xc0", b"\x96\x0f\x01\x01\x01\x04\xc0",
        b"\x96\x0f\x01\x01\x01\x00\x07", b"\x91\x10", b"\x93\x10\x01\x00", b"\x94\x10\xff\x00\x00", b"\x94\x10\x01\xc0\x00", b"\x94\x10\x01\x00\xff",
        b"\x94\x10\x01\x00\x00\xc0", b"\x95\x0e\x01\x00\xff\xc0", b"\x95\x0e\x01\x00\xc0\xa1x", b"\x95\x0e\x01\x00\xc0\xc0\xc0",
    ):  # fmt: skip
        t.closes("protocol_error", body=body)


@S.check("a PONG for which the hub sent no PING", ("16/PONG", "`[12, token]`, from both sides"))
def a_pong_without_a_ping_means_nothing(t):
    c = t.open()
    for token in (0, 7, 2**64 - 1):
        c.send(PONG, token)
    c.nothing()
