"""Section 1: TCP, TLS, framing, and why the hub stops reading."""

import ssl
import struct

from suite import msgpack as mp
from suite.check import Section
from suite.client import ANY, Failure, ready
from suite.floods import BIG, MANY, asleep, fill, framed
from suite.frames import CLOSE, EVENT, HELLO, PING, PONG, REFUSED, RUN, SUBSCRIBE, WELCOME
from suite.tls import context

S = Section("1")


@S.check("The protocol runs over TCP", "With TLS (1.2 or 1.3)", hub="tls")
def tls_carries_the_frames(t):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        c = t.connect(tls=context(version, version))
        c.hello()
        c.send(PING, 1)
        c.expect(PONG, 1)
    old = context(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
    old.set_ciphers("ALL:@SECLEVEL=0")
    try:
        t.connect(tls=old)
    except (ssl.SSLError, OSError):
        return
    t.fail("the hub accepted TLS 1.1")


@S.check("Nothing comes before the first frame")
def nothing_comes_before_the_first_frame(t):
    c = t.connect()
    c.send(HELLO, "hub", 1, {})
    t.equal(c.read()[0], WELCOME, "the first frame of the hub")
    t.closes("protocol_error", b"\n\x00\x00\x00\x06\x94\x01\xa3hub\x01\x80", after_hello=False)


@S.check("A port of the hub accepts either TCP or TLS")
def tls_on_a_plain_port_is_refused(t):
    client_hello = bytes.fromhex("16030100c8010000c40303") + bytes(190)
    t.closes("protocol_error", client_hello, after_hello=False)


@S.check("A client that uses ALPN offers `hub/1`", hub="tls")
def alpn_is_hub_1(t):
    c = t.connect(tls=context(offers=["http/1.1", "hub/1"]))
    t.equal(c.stream.tls.selected_alpn_protocol(), "hub/1", "the protocol that the hub chose")
    c.hello()
    try:
        t.connect(tls=context(offers=["http/1.1"])).hello()
    except (ssl.SSLError, OSError):
        return
    t.fail("the hub accepted a client that offers only http/1.1")


@S.check("Where this document says FIN", hub="tls")
def the_end_over_tls_is_close_notify_and_fin(t):
    c = t.connect(tls=context())
    c.hello()
    c.send(CLOSE, 200, "done", None)
    c.expect_close("normal")
    t.true(c.stream.notified, "no close_notify came before the end")
    t.true(c.stream.fin(), "no FIN came after close_notify")


@S.check("Where it says half-close", hub="tls")
def a_half_close_over_tls_is_close_notify(t):
    c = t.connect(tls=context())
    c.hello(receipts=True)
    c.event(t.topic(), 1)
    c.half_close()
    c.expect(8, 1)
    c.expect_close("normal")


@S.check("A stream that ends without close_notify is a broken connection", hub="tls")
def an_end_without_close_notify_is_no_goodbye(t):
    c = t.connect(tls=context())
    c.hello()
    c.stream.cut()
    try:
        frame = c.read()
    except Failure:
        return  # the hub ended without a word, as it may with a broken connection
    t.true(frame is None or frame[0] != CLOSE or frame[1] != 200, "a cut was answered like a goodbye")


@S.check("The hub resumes no TLS sessions", hub="tls")
def tls_sessions_are_not_resumed(t):
    settings = context()
    c = t.connect(tls=settings)
    c.hello()
    c.flush()
    session = c.stream.tls.session
    again = t.connect(tls=settings, session=session)
    again.hello()
    t.true(not again.stream.tls.session_reused, "the hub resumed a TLS session")


@S.check("A client that connects to a TLS port without TLS", hub="tls")
def plain_hello_on_a_tls_port(t):
    c = t.connect()
    c.send(HELLO, "hub", 1, {})
    c.expect_close("protocol_error")


@S.check("A client that connects to a TLS port without TLS", hub="tls")
def plain_text_on_a_tls_port(t):
    t.closes("protocol_error", b"GET / HTTP/1.1\r\nhost: hub\r\n\r\n", after_hello=False)


@S.check(
    "Both sides send frames",
    "A frame is a length of 4 bytes",
    "The length is an unsigned big-endian",
    "The bytes are one MessagePack array",
    "The first element of the array",
    "The type determines the other elements",
)
def a_frame_is_a_length_and_an_array(t):
    c = t.connect()
    body = mp.pack([HELLO, "hub", 1, {}])
    c.send_bytes(struct.pack(">I", len(body)) + body)
    while len(c.buffer) < 4 or len(c.buffer) < 4 + int.from_bytes(c.buffer[:4], "big"):
        t.true(c._receive(t.wait), "the stream ended before WELCOME was complete")
    size = int.from_bytes(c.buffer[:4], "big")
    t.equal(len(c.buffer), 4 + size, "the bytes of WELCOME and its length")
    value = mp.unpack(bytes(c.buffer[4:]))
    t.true(isinstance(value, list) and value[0] == WELCOME, "WELCOME is no array with its type in front")
    del c.buffer[:]
    c.facts_from([WELCOME, 1, value[2]])
    long = t.topic("x" * 150)  # a length of two bytes, in which the order of the bytes shows
    c.subscribe(long)
    c.event(long, b"y" * 300)
    t.equal(c.take(1, long)[0].payload, b"y" * 300, "the payload of a frame of more than 255 bytes")


@S.check("A frame may arrive in pieces", "The points at which TCP cuts")
def the_cuts_of_tcp_have_no_meaning(t):
    bodies = [
        mp.pack(f)
        for f in (
            [HELLO, "hub", 1, {"receipts": True}],
            [SUBSCRIBE, 1, t.topic(), {}],
            [EVENT, t.topic(), "x"],
            [PING, 3],
        )
    ]
    parts = [struct.pack(">I", len(body)) + body for body in bodies]
    for cut in (1, 3, 5):
        c = t.connect()
        c.send_bytes(parts[0][:cut])
        for at in range(cut, len(parts[0]), cut):
            c.send_bytes(parts[0][at : at + cut])
        c.facts_from(c.expect(WELCOME, 1))
        rest = b"".join(parts[1:])
        for at in range(0, len(rest), cut):
            c.send_bytes(rest[at : at + cut])
        c.take(1, t.topic())
        c.expect(PONG, 3, skip=(8, 6, 3, 4))
    c = t.open(receipts=True)
    c.send_bytes(b"".join(parts[1:]) * 1 + parts[2] * 200)
    c.take(201, t.topic())
    last = 0
    while last < 201:
        last = c.expect(8, ANY, skip=(3, 4, 6, 12))[1]


@S.check("The hub stops reading from a client in these cases", "The hub slows a fast sender down", hub="small")
def a_full_subscriber_slows_its_publisher_down(t):
    slow, c = asleep(t, t.topic(), overflow="block"), t.open(receipts=True)
    count, rest = fill(t, c, [framed([EVENT, t.topic(), BIG])] * MANY)
    got = 0
    while got < count:
        rest = c.push(rest, still=0) if rest else rest
        frame = slow.read()
        t.true(frame[0] in (RUN, EVENT), f"the subscriber with `block` got {frame}")
        got += frame[0] == EVENT
    c.nothing(REFUSED)


@S.check("The hub stops reading from a client in these cases", hub="small")
def who_does_not_read_its_answers_is_not_read(t):
    c, many = t.connect(receive_bytes=4096), 100_000
    c.hello()
    body = mp.pack([SUBSCRIBE, 1, t.topic(), {"group": "g" * 600}])  # its refusal has a long message
    rest = c.push((struct.pack(">I", len(body)) + body) * many)
    t.true(rest, f"the hub read {many} frames from a client that reads no refusal")
    c.wake()
    enough, buffer = max(0, len(rest) - 2_000_000), bytearray()  # what is left once the hub reads again
    while len(rest) > enough:
        rest = c.push(rest, still=0)
        t.true(ready(c.stream, t.wait, writing=False)[0], "the hub sends no refusals to a client that reads again")
        buffer += c.stream.recv(65_536)
        while len(buffer) >= 4 and len(buffer) >= 4 + int.from_bytes(buffer[:4], "big"):
            t.equal(buffer[5], REFUSED, "the type of an answer")
            del buffer[: 4 + int.from_bytes(buffer[:4], "big")]
