"""Section 4: HELLO and WELCOME."""

import os
import time

from suite import msgpack as mp
from suite.check import Section
from suite.frames import CLOSE, EVENT, HELLO, REFUSED, RUN, WELCOME
from suite.hubs import PASSWORD
from suite.tls import context

S = Section("4")


@S.check(
    "The first frame of the client is HELLO",
    "The hub answers with WELCOME or with CLOSE",
    ("16/HELLO", "The hub answers with WELCOME or CLOSE"),
)
def hello_is_answered_with_welcome_or_close(t):
    c = t.connect()
    c.send(HELLO, "hub", 1, {})
    c.facts_from(c.expect(WELCOME, 1))
    c.nothing()
    t.hello_closes("protocol_error", "bub", 1, {})


@S.check(
    "It must arrive completely within",
    ("13", "a HELLO that does not come"),
    ("14", "204 | `handshake_timeout`"),
    hub="alive",
)
def hello_must_come_in_time(t):
    nothing, part = t.connect(), t.connect()
    part.send_bytes(b"\x00\x00\x00\x10\x94\x01\xa3hub")
    for c in (nothing, part):
        close = c.expect_close("handshake_timeout")
        t.equal(close[1], 204, "the code")


@S.check("A client must not send anything else before", ("13", "an EVENT, or any other frame, before HELLO"))
def nothing_may_be_sent_before_hello(t):
    for frame in (
        [EVENT, t.topic(), 1],
        [11, 1],
        [5, 1, t.topic(), {}],
        [7, 1],
        [12, 1],
        [13, 200, "x", None],
        [99, 1],
    ):
        c = t.connect()
        c.send(*frame)
        c.expect_close("protocol_error", *(["normal"] if frame[0] == CLOSE else []))


@S.check("HELLO has these options", "Each of them may be left out", ("16/HELLO", "options | map"))
def options_of_hello_may_be_left_out(t):
    every = {"name": "n", "instance": os.urandom(16), "receipts": True, "receipted": 0, "credentials": None}
    t.open()
    t.open(**every)
    for key in every:
        t.open(**{k: v for k, v in every.items() if k != key})
        t.open(**{key: every[key]})


@S.check("`name` | str or nil")
def names_of_programs(t):
    for good in ("n", "n" * 64, "a-_:@/+=~%$Z9"):
        c = t.open(name=good)
        t.true(good in c.facts["publisher"], f"the publisher of {good} is {c.facts['publisher']}")
        t.open(name=good)  # a name proves nothing, so two programs may have it
    for bad in ("", "n" * 65, "a.b", "a b", "a#b", "a*", "é", "a\n", 7, b"n", True):
        t.hello_closes("protocol_error", "hub", 1, {"name": bad})


@S.check("`instance` | bin, 16 bytes")
def instances_have_16_bytes(t):
    instance = os.urandom(16)
    c = t.open(instance=instance)
    c.event(t.topic(), 1)
    c.flush()
    t.equal(t.open(instance=instance).facts["received"], 1, "`received` of the instance that came back")
    for bad in (b"", b"x" * 15, b"x" * 17, "x" * 16, 7, mp.ext(1, b"x" * 16)):
        t.hello_closes("protocol_error", "hub", 1, {"instance": bad})


@S.check("`receipts` | bool", ("6", "The hub sends receipts only if HELLO"))
def receipts_come_only_if_asked_for(t):
    for options in ({}, {"receipts": False}, {"instance": os.urandom(16)}):
        c = t.open(**options)
        c.event(t.topic(), 1)
        c.event("not a topic", 1)
        before = c.flush() + c.flush()
        t.equal([f[0] for f in before], [REFUSED], "what came without receipts")
    c = t.open(receipts=True)
    c.event(t.topic(), 1)
    c.expect(8, 1)
    for bad in (1, "true", 0, []):
        t.hello_closes("protocol_error", "hub", 1, {"receipts": bad})


@S.check("`receipted` | uint or nil")
def receipted_is_a_number(t):
    instance = os.urandom(16)
    c = t.open(instance=instance, receipts=True, receipted=0)
    for payload in range(3):
        c.event("not a topic", payload)
    while c.receipt < 3:
        c.read()
    for receipted, due in ((3, []), (2, [2]), (1, [1, 2]), (0, [0, 1, 2])):
        d = t.open(instance=instance, receipts=True, receipted=receipted)
        t.equal([f[2] for f in d.flush() if f[0] == REFUSED], due, f"the refusals from {receipted} on")
    for bad in ("0", 1.0, True, [0]):
        t.hello_closes("protocol_error", "hub", 1, {"receipted": bad})


@S.check(
    "`credentials` | map or nil",
    ("13", "a HELLO with `credentials` that the hub does not accept"),
    ("14", "203 | `unauthorized`"),
    hub="access",
)
def credentials_open_the_door(t):
    token = t.hubs.token[0]
    t.open(credentials={"token": token})
    t.open(credentials={"user": "guest", "password": PASSWORD})
    wrong = [
        {"token": token[:-1] + "x"}, {"token": ""}, {"user": "guest", "password": "wrong"},
        {"user": "nobody", "password": PASSWORD}, {"jwt": "no.jwt.here"},
    ]  # fmt: skip
    for credentials in wrong:
        t.hello_closes("unauthorized", "hub", 1, {"credentials": credentials})
    t.hello_closes("unauthorized", "hub", 1, {})
    t.hello_closes("unauthorized", "hub", 1, {"credentials": None})


@S.check("`credentials` | map or nil", hub="access")
def credentials_have_no_other_keys(t):
    token = t.hubs.token[0]
    for bad in (
        {"token": token, "more": 1},
        {},
        {"user": "guest"},
        {"token": token, "user": "guest"},
        {"token": 7},
        "x",
        7,
    ):
        c = t.connect()
        c.send(HELLO, "hub", 1, {"credentials": bad})
        c.expect_close("protocol_error", "unauthorized")


@S.check("`credentials` | map or nil", hub="tls")
def a_certificate_stands_for_credentials(t):
    t.hubs.address("tls")  # makes the certificates
    certificate = context(certificate=t.hubs.file("client.pem"))
    t.start(tls_cert="hub.pem", tls_key="hub.pem", tls_client_ca="ca.pem", access=t.hubs.access_file(f"{t.base}.toml"))
    c = t.connect(tls=certificate)
    t.true(c.hello()["publisher"].startswith("certificate:localhost#"), f"the publisher is {c.facts['publisher']}")
    d = t.connect(tls=certificate)
    publisher = d.hello(credentials={"user": "guest", "password": PASSWORD})["publisher"]
    t.true(publisher.startswith("guest#"), f"with a certificate and credentials, the publisher is {publisher}")
    wrong = t.connect(tls=certificate)
    wrong.send(HELLO, "hub", 1, {"credentials": {"user": "guest", "password": "wrong"}})
    wrong.expect_close("unauthorized")


@S.check("The hub ignores unknown keys")
def unknown_keys_of_hello_are_ignored(t):
    t.open(unknown=1, another=[{"deep": [None, b"x"]}], contracts={"a": 1})


@S.check(
    "WELCOME has these facts",
    "All of them are always there",
    "`max_frame`, `max_depth`, `max_elements`",
    "`keepalive_ms` | uint",
    ("16/WELCOME", "facts | map"),
)
def welcome_has_all_facts(t):
    for options in ({}, {"name": "n", "instance": os.urandom(16), "receipts": True}):
        facts = t.open(**options).facts  # the client holds each fact against its type
        t.true(facts["max_frame"] >= 4096 and 0 < facts["max_depth"] <= 64, f"limits {facts}")
    if t.hubs.binary:
        small = t.open("small").facts
        t.equal([small[k] for k in ("max_frame", "max_depth", "max_elements")], [16_384, 4, 16], "the limits")
        t.equal(t.open("alive").facts["keepalive_ms"], 500, "`keepalive_ms`")


@S.check("`hub` | bin, 16 bytes")
def the_hub_has_a_number_for_each_run(t):
    t.equal(t.open().facts["hub"], t.open().facts["hub"], "`hub` on two connections")
    one, two = t.own(), t.own()
    t.hubs.addresses |= {t.base: one.address, t.base + "b": two.address}
    t.true(t.open().facts["hub"] != t.open(t.base + "b").facts["hub"], "two runs of the hub have the same number")


@S.check("`connection` | uint")
def each_connection_has_its_number(t):
    numbers = [t.open().facts["connection"] for _ in range(5)]
    t.equal(len(set(numbers)), 5, f"the numbers of five connections, {numbers}: how many differ")


@S.check("`resumed` | bool", "`received` | uint")
def welcome_says_where_to_continue(t):
    instance = os.urandom(16)
    c = t.open(instance=instance)
    t.equal((c.facts["resumed"], c.facts["received"]), (False, 0), "a new instance")
    for _ in range(3):
        c.event(t.topic(), 1)
    c.flush()
    c.reset()
    d = t.open(instance=instance)
    t.equal((d.facts["resumed"], d.facts["received"]), (True, 3), "an instance that came back")
    d.event("not a topic", 1)
    d.expect_refused(0, 3, "bad_topic")


@S.check("`publisher` | str", ("16/RUN", "publisher | str"))
def welcome_names_the_publisher(t):
    c = t.open(name="who")
    c.subscribe(t.topic())
    c.event(t.topic(), 1)
    run = c.expect(RUN)
    t.equal(run[5], c.facts["publisher"], "the publisher in RUN")
    t.true(t.open(name="who").facts["publisher"] != c.facts["publisher"], "two connections have one publisher's name")


@S.check(("8", "If `?` follows the number in `publisher`"), hub="access")
def a_stated_name_is_told_apart_from_a_proven_one(t):
    credentials = {"user": "guest", "password": PASSWORD}
    proven = t.open(credentials=credentials).facts["publisher"]
    t.true(proven.startswith("guest#") and "?" not in proven, f"the publisher without a stated name is {proven}")
    stated = t.open(credentials=credentials, name="boss").facts["publisher"]
    t.true(stated.startswith("guest#") and stated.endswith("?boss"), f"the publisher with a stated name is {stated}")


@S.check("`inbox` | str")
def welcome_names_the_inbox(t):
    c, d = t.open(), t.open()
    t.true(c.facts["inbox"] != d.facts["inbox"], "two connections have one inbox")
    c.subscribe(c.facts["inbox"])
    d.event(c.facts["inbox"], "reply", {"re": "1"})
    t.equal(c.take(1)[0].payload, "reply", "what came to the inbox")


@S.check("`time_ms` | uint", ("16/RUN", "time_ms | uint"))
def the_hub_tells_its_clock(t):
    c = t.open()
    before = c.facts["time_ms"]
    c.subscribe(t.topic())
    c.event(t.topic(), 1)
    stamp = c.take(1)[0].time_ms
    after = t.open().facts["time_ms"]
    t.true(before <= stamp <= after, f"WELCOME {before}, RUN {stamp}, WELCOME {after}")
    t.true(1.6e12 < before < 4e12, f"{before} is no time in milliseconds")
    if t.hubs.binary:
        t.true(abs(before - time.time() * 1000) < 600_000, "the clocks differ by more than ten minutes")
