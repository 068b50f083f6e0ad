"""How a check is declared, and what it is given when it runs."""

import itertools
import secrets
import struct
import time
from dataclasses import dataclass, field

from . import client
from .client import Failure
from .frames import EVENT, HELLO, REFUSED, SUBSCRIBE

CHECKS = []


class Skip(Exception):
    """The check needs a hub that is not there."""


@dataclass
class Check:
    """A function, the statements that it checks, and the hub that it needs."""

    name: str
    quotes: list  # pairs of place and beginning of the statement
    hub: str
    run: object
    statements: list = field(default_factory=list)


class Section:
    """Declares the checks of one section: `@S.check("beginning of a sentence", …)`."""

    def __init__(self, place):
        self.place = place

    def check(self, *quotes, hub="plain"):
        """Each quote is the beginning of a statement of this section, or a pair of a place and that."""
        given = [q if isinstance(q, tuple) else (self.place, q) for q in quotes]

        def declare(function):
            CHECKS.append(Check(function.__name__, given, hub, function))
            return function

        return declare


class Test:
    """What a check gets: connections to its hub, topics that nobody else uses, and ways to fail."""

    prefix = "conf" + secrets.token_hex(3)
    numbers = itertools.count(1)

    def __init__(self, hubs, kind, wait):
        self.hubs, self.kind, self.wait = hubs, kind, wait
        self.opened, self.started, self.base = [], [], f"{self.prefix}.{next(self.numbers)}"

    def topic(self, name="t"):
        """A topic that no other check uses."""
        return f"{self.base}.{name}"

    def connect(self, kind=None, **how):
        """A connection without HELLO."""
        opened = client.connect(self.hubs.address(kind or self.kind), self.wait, **how)
        self.opened.append(opened)
        return opened

    def open(self, kind=None, **options):
        """A connection behind WELCOME. Options are those of HELLO."""
        opened = self.connect(kind)
        opened.hello(**options)
        return opened

    def own(self, **keys):
        """A hub for this check alone, with these configuration keys."""
        return self.hubs.own(self, keys)

    def start(self, **keys):
        """A hub for this check alone, which its connections use from now on."""
        hub = self.own(**keys)
        self.kind = f"{self.base} {len(self.hubs.addresses)}"
        self.hubs.addresses[self.kind] = hub.address
        return hub

    def subscriber(self, pattern, **options):
        """A connection with one subscription."""
        opened = self.open()
        opened.subscribe(pattern, **options)
        return opened

    def fail(self, why):
        raise Failure(why)

    def equal(self, got, due, what="the value"):
        if got != due:
            self.fail(f"{what}: {short(due)} was due, and {short(got)} came" + difference(got, due))

    def true(self, condition, why):
        if not condition:
            self.fail(why)

    # -- words that many checks use

    def refuses_event(self, code, *elements, body=None):
        """One EVENT is refused with this code, and the connection goes on."""
        c = self.open()
        body = client.msgpack.pack([EVENT, *elements]) if body is None else body
        c.send_body(body)
        refused = c.expect_refused(0, 0, code)
        c.nothing()
        return refused

    def accepts_event(self, topic, payload=None, headers=None, filter=None):
        """One EVENT is delivered with exactly the bytes with which it was sent."""
        s, c = self.subscriber(filter or topic), self.open()
        body = client.msgpack.pack([EVENT, topic, payload] + ([] if headers is None else [headers]))
        c.send_body(body)
        c.nothing(REFUSED)
        got = s.take(1, topic)[0]
        if got.body != body:
            s.fail(f"the bytes {body.hex(' ')} came as {got.body.hex(' ')}")
        return got

    def refuses_subscribe(self, code, pattern, options=None):
        """One SUBSCRIBE is refused with this code, and the connection goes on."""
        c = self.open()
        c.send(SUBSCRIBE, 7, pattern, options or {})
        refused = c.expect_refused(1, 7, *([code] if isinstance(code, str) else code))
        c.nothing()
        return refused

    def closes(self, code, data=None, body=None, after_hello=True):
        """These bytes end the connection with this code."""
        c = self.open() if after_hello else self.connect()
        c.send_bytes(data if body is None else struct.pack(">I", len(body)) + body)
        return c.expect_close(code)

    def hello_closes(self, code, *elements):
        """This HELLO ends the connection with this code."""
        c = self.connect()
        c.send(HELLO, *elements)
        return c.expect_close(code)

    def until(self, done, what):
        """Asks again and again, and fails if it never comes true. For states that no frame announces."""
        deadline = time.monotonic() + self.wait
        while not done():
            self.true(time.monotonic() < deadline, f"{what} did not happen in time")
            time.sleep(0.02)

    def end(self):
        for hub in self.started:
            hub.end()
        for opened in self.opened:
            try:
                opened.stream.close()
            except OSError:
                pass


def short(value):
    text = repr(value)
    return text if len(text) < 200 else f"{text[:90]} … {text[-90:]}"


def difference(got, due):
    """What is missing, too much, or double, where two long lists differ."""
    if not isinstance(got, list) or not isinstance(due, list) or len(due) < 20:
        return ""
    missing, more = [v for v in due if v not in got], [v for v in got if v not in due]
    twice = [v for v in got if got.count(v) > due.count(v) and v in due]
    return f" (missing: {short(missing)}; too much: {short(more)}; too often: {short(twice)})"
