"""A small client that watches every frame of the hub, and the words in which checks are written.

Whatever a check is about, each frame that the hub sends is held against its schema and against the order
that frames must have. A hub that breaks the protocol anywhere is caught wherever that happens.
"""

import collections
import itertools
import select
import socket
import struct
import time

from . import frames, msgpack
from .frames import (
    CLOSE,
    EVENT,
    GAP,
    HELLO,
    PING,
    PONG,
    RECEIPT,
    REFUSED,
    RUN,
    SUBSCRIBE,
    SUBSCRIBED,
    TAKEN,
    UNSUBSCRIBE,
    WELCOME,
)
from .tls import TlsStream

ANY = object()  # stands for any value in `expect`

Delivery = collections.namedtuple("Delivery", "topic epoch number publisher time_ms subscriptions payload headers body")


class Gap(collections.namedtuple("Gap", "topic epoch first last reason subscriptions")):
    """Missing events. A check that expects an event in this place sees that it has no number and no payload."""

    number = payload = None


class Failure(AssertionError):
    """The hub did not do what the sentence says."""


class Frame(list):
    """A decoded frame. `body` holds its bytes, without the length."""

    def __init__(self, body):
        self.body = body
        super().__init__(msgpack.unpack(part) for part in msgpack.elements(body))


class Client:
    """One connection. `wait` is how many seconds a frame may take; it only matters when one is missing."""

    def __init__(self, stream, wait=10.0):
        self.stream, self.wait = stream, wait
        self.buffer, self.transcript = bytearray(), collections.deque(maxlen=10)
        self.max_frame, self.facts, self.published, self.answers_pings = 65_536, None, 0, True
        self.ids, self.tokens = itertools.count(1), itertools.count(1 << 40)
        self.run_left, self.run, self.receipt = 0, None, -1
        self.newest, self.shared = {}, set()  # the newest numbers of each subscription; those of groups have none
        self.until = time.monotonic() + 60
        self.asleep = False  # whether the kernel may take little from the hub while nobody reads
        self.ended, self.closed = False, None  # the end of the stream, and the CLOSE before it

    # -- sending

    def send_bytes(self, data):
        """Writes bytes, and reads whatever comes meanwhile, so that neither side waits for the other."""
        self.transcript.append(("sent", bytes(data[:96]), len(data)))
        view = memoryview(bytes(data))
        deadline = time.monotonic() + self.wait
        while view:
            if isinstance(self.stream, TlsStream):  # what is sent over TLS here is small
                self.stream.settimeout(self.wait)
                self.stream.sendall(view)
                return
            readable, writable = ready(self.stream, max(0, deadline - time.monotonic()))
            if not readable and not writable:
                self.fail("the hub read nothing for too long")
            if writable:
                try:
                    view = view[self.stream.send(view[:65536]) :]
                    deadline = time.monotonic() + self.wait
                except ConnectionError:
                    return  # the hub has ended the connection; its CLOSE is still to be read
            if readable and not self._receive(0):
                return

    def push(self, data, still=0.3):
        """Writes until the hub takes no more for this many seconds, or has ended the connection, without reading.
        Returns what is left."""
        view = memoryview(data)
        while view and ready(self.stream, still, reading=False)[1]:
            try:
                view = view[self.stream.send(view[:65536]) :]
            except ConnectionError:
                break
        return view

    def send_body(self, body):
        """Writes a frame that consists of these bytes."""
        self.send_bytes(struct.pack(">I", len(body)) + body)

    def send(self, *elements):
        """Writes a frame with these elements."""
        self.send_body(msgpack.pack(list(elements)))
        self._count(elements)

    def send_all(self, many):
        """Writes several frames in one piece."""
        many = [list(elements) for elements in many]
        bodies = [msgpack.pack(elements) for elements in many]
        self.send_bytes(b"".join(struct.pack(">I", len(body)) + body for body in bodies))
        for elements in many:
            self._count(elements)

    def _count(self, elements):
        self.published += elements[0] == EVENT
        if elements[0] == SUBSCRIBE and len(elements) > 3:  # its numbers begin anew
            self.newest[elements[1]] = {}
            grouped = isinstance(elements[3], dict) and elements[3].get("group") is not None
            (self.shared.add if grouped else self.shared.discard)(elements[1])

    def event(self, topic, payload=None, headers=None):
        """Sends an EVENT. Returns its publish number."""
        self.send(*([EVENT, topic, payload] if headers is None else [EVENT, topic, payload, headers]))
        return self.published - 1

    def taken(self, number, taken, events=None, size=None):
        """Sends TAKEN: the listener of a subscription has finished so many events."""
        self.send(TAKEN, number, taken, events, size)

    def unsubscribe(self, number, drain=False):
        self.send(UNSUBSCRIBE, number, drain)

    def half_close(self):
        self.stream.shutdown(socket.SHUT_WR)

    def reset(self):
        """Ends the connection with RST, so that the hub knows at once that it is gone."""
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.stream.close()

    # -- receiving

    def _receive(self, wait):
        """Reads what has come. Returns whether the stream goes on."""
        if self.ended:
            return False
        self.stream.settimeout(max(wait, 0.001))
        try:
            data = self.stream.recv(262_144)
        except TimeoutError:
            return True
        except ConnectionResetError:
            self.ended = "reset"
            return False
        except OSError as error:
            self.ended = f"{type(error).__name__}: {error}"
            return False
        self.ended = self.ended or not data
        self.buffer += data
        return bool(data)

    def read(self, wait=None):
        """The next frame, or None at the end of the stream (FIN)."""
        if self.asleep:
            self.wake()
        deadline = time.monotonic() + (wait or self.wait)
        if time.monotonic() > self.until:
            self.fail("frames came, but not what was due within a minute")
        while True:
            if len(self.buffer) >= 4:
                size = int.from_bytes(self.buffer[:4], "big")
                if not 0 < size <= self.max_frame:
                    self.fail(f"the hub sent a frame of {size} bytes, and max_frame is {self.max_frame}")
                if len(self.buffer) >= 4 + size:
                    body = bytes(self.buffer[4 : 4 + size])
                    del self.buffer[: 4 + size]
                    return self._seen(body)
            left = deadline - time.monotonic()
            if self.ended:
                if self.ended is not True:
                    self.fail(f"the connection ended with an error ({self.ended}) instead of FIN")
                if self.buffer:
                    self.fail("the stream ended inside of a frame")
                return None
            if left <= 0:
                self.fail("no frame came in time")
            self._receive(min(left, 1.0))

    def wake(self):
        """Lets the kernel take more from the hub again, so that reading is fast."""
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.asleep = False

    def _seen(self, body):
        self.transcript.append(("got", body[:96], len(body)))
        try:
            frame = Frame(body)
        except msgpack.Bad as error:
            self.fail(f"the hub sent a frame that is not well-formed: {error}")
        fault = frames.fault(frame) or self._out_of_order(frame)
        if fault:
            self.fail(fault)
        if frame[0] == PING and self.answers_pings:
            self.send(PONG, frame[1])
        return frame

    def _out_of_order(self, frame):
        """What is wrong with a frame in this place, or nothing."""
        kind, run = frame[0], self.run
        if self.closed:
            return "a frame follows CLOSE"
        if (self.facts is None) != (kind == WELCOME) and kind != CLOSE:
            return "WELCOME is not the first frame, or comes twice"
        if self.run_left and kind != EVENT:
            return f"{frames.NAMES.get(kind, kind)} stands between a RUN and its EVENTs"
        if kind == EVENT:
            if not self.run_left:
                return "an EVENT comes without a RUN"
            self.run_left -= 1
            if frame[1] != run[1]:
                return "an EVENT has another topic than its RUN"
        if kind == RUN:
            self.run, self.run_left = frame, frame[4]
            for number in frame[7] if frame[4] else ():
                newest, key = self.newest.setdefault(number, {}), (frame[1], frame[2])
                again = len(frame) > 8 and isinstance(frame[8], int) and frame[8] > 1
                if frame[3] <= newest.get(key, 0) and number not in self.shared and not again:
                    return f"subscription {number} gets event {frame[3]} after event {newest[key]} of the same topic"
                newest[key] = max(newest.get(key, 0), frame[3] + frame[4] - 1)
        if kind == RECEIPT:
            if frame[1] <= self.receipt:
                return f"receipt {frame[1]} comes after receipt {self.receipt}"
            self.receipt = frame[1]
        if kind == REFUSED and frame[1] == 0 and frame[2] < self.receipt:
            return f"the refusal of event {frame[2]} comes after receipt {self.receipt}"
        if kind == CLOSE:
            self.closed = frame
        return None

    # -- what checks say

    def fail(self, why):
        raise Failure(why + self.seen())

    def seen(self):
        """The last bytes in both directions, for the report of a failure."""
        lines = []
        for way, data, size in list(self.transcript)[-5:]:
            more = f" … {size} bytes" if size > len(data) else ""
            lines.append(f"\n        {way:>4} {data.hex(' ')}{more}")
        return "".join(lines)

    def hello(self, **options):
        """Sends HELLO and reads WELCOME. Returns its facts."""
        self.send(HELLO, "hub", 1, options)
        self.facts_from(self.expect(WELCOME, 1))
        return self.facts

    def facts_from(self, welcome):
        self.facts = welcome[2]
        self.max_frame, self.published = self.facts["max_frame"], self.facts["received"]

    def expect(self, *elements, skip=()):
        """Reads the next frame, except those of the skipped types, and compares its first elements."""
        frame = self.read()
        while frame and frame[0] in skip:
            frame = self.read()
        self.same(frame, elements)
        return frame

    def same(self, frame, elements):
        want = frames.show([e if e is not ANY else "any" for e in elements])
        if frame is None:
            self.fail(f"the stream ended where {want} was due")
        for got, due in zip(frame, elements):
            if due is not ANY and (type(got) is not type(due) or got != due):
                self.fail(f"{want} was due, and {frames.show(frame)} came")

    def expect_refused(self, what, number, *codes):
        """Reads a REFUSED with one of these codes, behind deliveries and receipts that come before it."""
        frame = self.expect(REFUSED, what, number, skip=(RUN, EVENT, RECEIPT, PING))
        if frame[3] not in [frames.REFUSALS[code] for code in codes]:
            self.fail(f"{' or '.join(codes)} was due, and {frames.show(frame)} came")
        return frame

    def expect_close(self, *codes):
        """Reads up to CLOSE and FIN. Returns the CLOSE."""
        frame = self.read()
        while frame and frame[0] != CLOSE:
            frame = self.read()
        if frame is None:
            self.fail(f"FIN came without CLOSE, and CLOSE {' or '.join(codes)} was due")
        if frame[1] not in [frames.CLOSES[code] for code in codes]:
            self.fail(f"CLOSE {' or '.join(codes)} was due, and {frames.show(frame)} came")
        if self.read() is not None:
            self.fail("a frame follows CLOSE")
        return frame

    def until_receipt(self, number):
        """Reads up to a RECEIPT that covers every event below this number. Returns what came."""
        seen = []
        while self.receipt < number:
            frame = self.read()
            if frame is None:
                self.fail(f"RECEIPT {number} was due")
            seen.append(frame)
        return seen

    def flush(self):
        """Sends PING and reads up to its PONG. Returns what came before it."""
        token, before = next(self.tokens), []
        self.send(PING, token)
        while True:
            frame = self.read()
            if frame is None or frame[0] == CLOSE:
                self.fail("the connection ended before PONG")
            if frame[0] == PONG and frame[1] == token:
                return before
            before.append(frame)

    def nothing(self, *kinds):
        """Proves with a PONG that no frame of these types, or no frame at all, is on its way."""
        before = self.flush()
        for frame in before:
            if not kinds or frame[0] in kinds:
                self.fail(f"nothing was due, and {frames.show(frame)} came")
        return before

    def subscribe(self, pattern, **options):
        """Sends SUBSCRIBE and reads up to SUBSCRIBED. Returns the id and the frames before SUBSCRIBED."""
        number, before = next(self.ids), []
        self.send(SUBSCRIBE, number, pattern, options)
        while True:
            frame = self.read()
            if frame is None or frame[0] in (REFUSED, CLOSE):
                self.fail("SUBSCRIBED was due")
            if frame[0] == SUBSCRIBED:
                self.same(frame, [SUBSCRIBED, number])
                return number, before
            before.append(frame)

    def take(self, count, pattern=""):
        """Reads up to so many events, or missing events, whose topics begin with this text."""
        taken = []
        while sum(d.last - d.first + 1 if isinstance(d, Gap) else 1 for d in taken) < count:
            frame = self.read()
            if frame is None or frame[0] == CLOSE:
                self.fail(f"{count} events were due")
            taken += [d for d in self.delivered([frame]) if d.topic.startswith(pattern)]
        return taken

    def delivered(self, seen):
        """The events and gaps in a list of frames, each event with what its RUN says."""
        found = []
        for frame in seen:
            if frame[0] == RUN:
                self.giving = frame
                self.given = itertools.count(frame[3])
            elif frame[0] == EVENT:
                run = self.giving
                headers = frame[3] if len(frame) > 3 else {}
                found.append(Delivery(run[1], run[2], next(self.given), *run[5:8], frame[2], headers, frame.body))
            elif frame[0] == GAP:
                found.append(Gap(*frame[1:7]))
        return found


def ready(stream, seconds, reading=True, writing=True):
    """Whether the stream can be read, and whether it can be written, as soon as one of them is true."""
    poll = select.poll()
    poll.register(stream, (select.POLLOUT if writing else 0) | (select.POLLIN if reading else 0))
    states = dict(poll.poll(seconds * 1000)).get(stream.fileno(), 0)
    broken = states & (select.POLLERR | select.POLLHUP)
    return bool(states & select.POLLIN or broken), bool(states & select.POLLOUT or broken)


def connect(address, wait=10.0, tls=None, receive_bytes=None, session=None):
    """Opens a connection. With `tls`, an SSL context, TLS is spoken on it."""
    host, port = address.rsplit(":", 1)
    stream = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
    if receive_bytes:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    stream.settimeout(wait)
    stream.connect((host.strip("[]"), int(port)))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls:
        stream = TlsStream(stream, tls, session)
    return Client(stream, wait)
