"""A small client for the hub, written from PROTOCOL.md alone. Needs msgpack from PyPI, and nothing else.

It comes back by itself when its connection breaks, at whatever byte that happens: each event that it sends is
published once, and each listener gets each event once and in order. PROTOCOL.md explains it in section 17.
"""

import collections
import itertools
import logging
import os
import queue
import random
import select
import socket
import struct
import threading
import time
from concurrent.futures import Future

import msgpack

HELLO, WELCOME, EVENT, RUN, SUBSCRIBE, SUBSCRIBED, UNSUBSCRIBE = range(1, 8)
RECEIPT, REFUSED, GAP, PING, PONG, CLOSE, TAKEN, _, RESUME = range(8, 17)
NORMAL, PROTOCOL_ERROR, HANDSHAKE_TIMEOUT, REPLACED, UNKNOWN_SUBSCRIPTION = 200, 201, 204, 206, 12  # codes
AHEAD = 10_000  # so many events may be without a receipt; `emit` waits for room
IN_FLIGHT = 65_536  # so many bytes of them may be written, because the hub finds TAKEN only so far behind events
WINDOW = [256, 1 << 20]  # so many events and bytes may be on their way to a listener

Event = collections.namedtuple("Event", "topic number publisher time_ms payload headers")
Gap = collections.namedtuple("Gap", "topic first last reason")  # events that do not come
MISSED = Gap(None, None, None, None)  # the hub has not kept the subscription, so nobody knows what was missed
log = logging.getLogger("small_client")


class Refused(Exception):
    """The hub refused an event or a subscription. `code` says why, for programs."""

    code = property(lambda self: self.args[0])


class Undecoded(bytes):
    """An EVENT frame that msgpack cannot decode, such as one with a timestamp of a length that there is not."""


class Subscription:
    def __init__(self, filter, handler, options):
        self.filter, self.handler = filter, handler
        options = {"window": WINDOW} | options
        self.options = {key: value for key, value in options.items() if value is not None}
        if "window" in self.options and "group" not in self.options:
            self.options["keep"] = True
        self.placed, self.life = Future(), 0  # done with the first SUBSCRIBED; how often it began anew at the hub
        self.waiting, self.unfinished = queue.SimpleQueue(), 0  # what came and the handler has not finished
        self.begin()

    def begin(self):
        """Its counts begin with its SUBSCRIBE. They go on over all connections, as long as the hub keeps it."""
        self.events = self.gaps = 0  # how many came
        self.finished = self.told = 0  # how many events the handler has finished, and what TAKEN has said
        self.life += 1


class Hub:
    """One client. A thread reads and connects again, one writes, and each listener has one of its own."""

    def __init__(self, address, name="python", wait=10, states=lambda state: None):
        host, port = address.removeprefix("hub://").rsplit(":", 1)
        self.address, self.name, self.wait, self.states = (host, int(port)), name, wait, states
        self.changed = threading.Condition()  # guards all that follows; nobody holds it while using the socket
        self.instance, self.socket, self.facts = os.urandom(16), None, None
        self.events, self.next, self.unwritten, self.receipted, self.in_flight = {}, 0, 0, 0, 0  # by publish number
        self.control = collections.deque()  # other frames: (the event before which it must not be written, bytes)
        self.subscriptions, self.ended, self.flushes, self.replies = {}, set(), set(), {}
        self.ids, self.closing, self.closed, self.gave_up = itertools.count(1), False, None, False
        self.thread = threading.Thread(target=self._live, daemon=True)
        self.thread.start()
        self._until(lambda: self.facts)

    # -- what a program calls

    def on(self, filter, handler, **options):
        """Has handler(Event or Gap) called, in a thread of this listener. Returns a number for `off`."""
        made = Subscription(filter, handler, options)
        with self.changed:
            number = next(self.ids)
            self.subscriptions[number] = made
            self._put([SUBSCRIBE, number, filter, made.options])
        threading.Thread(target=self._listen, args=(number, made), daemon=True).start()
        made.placed.result(self.wait)
        return number

    def off(self, number):
        """Ends a listener, also from within its handler. What still waits for it is dropped."""
        with self.changed:
            self.subscriptions.pop(number).waiting.put(None)
            self.ended.add(number)
            self._put([UNSUBSCRIBE, number, False])

    def emit(self, topic, payload, headers=None):
        """Returns a Future: done when the hub has the event, or failed with Refused if it did not take it."""
        body = self._pack([EVENT, topic, payload, headers or {}])
        with self.changed:
            self.changed.wait_for(lambda: len(self.events) < AHEAD or self.closing or self.closed)
            if self.closing or self.closed:
                raise ConnectionError(f"closed: {self.closed}")
            accepted = Future()
            self.events[self.next] = (body, accepted)
            self.next += 1
            self.changed.notify_all()
        return accepted

    def request(self, topic, payload):
        """Returns a Future of the reply, an Event. It fails if nobody is there, or if the connection is lost."""
        name, reply = f"request-{next(self.ids)}", Future()
        with self.changed:
            if not self.facts:
                raise ConnectionError("not connected")
            self.replies[name] = reply
            accepted = self.emit(topic, payload, {"reply": self.facts["inbox"], "id": name})
        accepted.add_done_callback(lambda a: a.exception() and self._done(reply, a.exception()))
        return reply

    def flush(self):
        """Returns when everything sent is taken care of, and what windows have room for has come."""
        with self.changed:
            token = next(self.ids)
            self.flushes.add(token)
            self._put([PING, token])
            self._until(lambda: token not in self.flushes)

    def close(self):
        """Sends what is left, gets the last receipts, and ends. Returns code and reason of the hub's CLOSE."""
        with self.changed:
            self.closing = True
            self._put([CLOSE, NORMAL, "done", None])
        self.thread.join(self.wait)
        return self.closed

    # -- the connection

    def _live(self):
        pause = 0.05
        while not self.closed:
            retry = known = None
            try:
                known, pause = self._connect(), 0.05
                retry = self._read()
            except (OSError, EOFError) as error:
                log.info("the connection broke: %s", error)
            except (ValueError, TypeError, LookupError) as error:
                log.error("a frame of the hub cannot be understood: %s", error)
                self._put_at_once([CLOSE, PROTOCOL_ERROR, "a frame that cannot be understood", None])
                while select.select([self.socket], [], [], 1)[0] and self.socket.recv(65_536):
                    pass
            with self.changed:
                self.gave_up, self.facts = known is None, None
                gone, self.socket = self.socket, None
                replies, self.replies = self.replies, {}
                self.changed.notify_all()
            if gone:
                gone.close()
            for reply in replies.values():
                self._done(reply, ConnectionError("the connection was lost"))
            if known:
                self.states("lost")
            if not self.closed:
                time.sleep(retry / 1000 if retry else random.uniform(pause / 2, pause))
                pause = min(pause * 2, 30)
        for _, accepted in list(self.events.values()):
            self._done(accepted, ConnectionError(f"closed: {self.closed}"))
        self.states("closed")

    def _connect(self):
        """Opens a connection, and puts in front of what is to be written what the hub has to know again."""
        self.buffer, self.silent_for, self.asked, self.max_frame = bytearray(), self.wait, True, 65_536
        self.socket = socket.create_connection(self.address, self.wait)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(None)
        options = {"name": self.name, "instance": self.instance, "receipts": True, "receipted": self.receipted}
        self._write(self.socket, self._pack([HELLO, "hub", 1, options]))
        frame = self._frame()
        if frame[0] == CLOSE:
            self._ended(frame)
            raise EOFError(frame[2])
        with self.changed:
            facts = frame[2]
            self.max_frame, self.silent_for = facts["max_frame"], facts["keepalive_ms"] / 1000 or None
            if not facts["resumed"]:
                # The hub knows nothing of this client. What has no receipt is sent again, and may come twice.
                open_ones = [event for event in self.events.values() if not event[1].done()]
                self.events, self.next, self.receipted = dict(enumerate(open_ones)), len(open_ones), 0
            self.unwritten = facts["received"]  # what the hub has, stays in `events` until a RECEIPT covers it
            self.in_flight = sum(len(body) for number, (body, _) in self.events.items() if number < self.unwritten)
            self.control.clear()
            self._put([SUBSCRIBE, 0, facts["inbox"], {}], behind=0)  # for replies
            for number, s in self.subscriptions.items():
                if facts["kept"] and "keep" in s.options:
                    # Also if SUBSCRIBED has never come. If the hub does not know it, REFUSED says so.
                    self._put([RESUME, number, s.events, s.gaps], behind=0)
                    self._put([TAKEN, number, s.finished, None, None], behind=0)
                else:
                    self._again(number, s)
            for number in self.ended if facts["kept"] else ():
                self._put([UNSUBSCRIBE, number, False], behind=0)
            for token in self.flushes:
                self._put([PING, token])
            if self.closing:
                self._put([CLOSE, NORMAL, "done", None])
            self.facts = facts
            self.changed.notify_all()
        self.states("connected")
        threading.Thread(target=self._writer, args=(self.socket,), daemon=True).start()
        return True

    def _again(self, number, s):
        """Subscribes anew. A listener that was in place is told that it has missed something, perhaps nothing."""
        s.begin()
        self._put([SUBSCRIBE, number, s.filter, s.options], behind=0)
        if s.placed.done():
            self._to_listener(s, MISSED)

    def _ended(self, frame):
        """The hub has sent CLOSE. Some codes from 200 on are not for a client that did what it should."""
        _, code, reason, retry = frame[:4]
        come_back = code < 200 or code == HANDSHAKE_TIMEOUT or (code == NORMAL and not self.closing)
        if code == REPLACED and self.gave_up:  # by a HELLO of this client that arrived late
            come_back, self.gave_up = True, False
        if not come_back:
            self.closed = (code, reason)
        return retry

    # -- writing

    @staticmethod
    def _pack(frame):
        body = msgpack.packb(frame)
        return struct.pack(">I", len(body)) + body

    def _put(self, frame, behind=None):
        """Has a frame written behind the events that are there by now, or behind those below a number."""
        with self.changed:
            self.control.append((self.next if behind is None else behind, self._pack(frame)))
            self.changed.notify_all()

    def _put_at_once(self, frame):
        """Has a frame written in front of everything."""
        with self.changed:
            self.control.appendleft((0, self._pack(frame)))
            self.changed.notify_all()

    def _writer(self, stream):
        control = lambda: self.control and self.control[0][0] <= self.unwritten  # noqa: E731
        event = lambda: self.unwritten < self.next and self.in_flight < IN_FLIGHT  # noqa: E731
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.socket is not stream or control() or event())
                if self.socket is not stream:
                    return
                if control():
                    data = self.control.popleft()[1]
                else:
                    data = self.events[self.unwritten][0]
                    self.unwritten += 1
                    self.in_flight += len(data)
            if not self._write(stream, data):
                return

    @staticmethod
    def _write(stream, data):
        try:
            stream.sendall(data)
            return True
        except OSError:
            return False  # the reader sees it too

    # -- reading

    def _exactly(self, size):
        while len(self.buffer) < size:
            if not select.select([self.socket], [], [], self.silent_for)[0]:
                if self.asked:
                    raise EOFError("the hub is silent")
                self.asked = True
                self._put_at_once([PING, 0])
            elif data := self.socket.recv(65_536):
                self.buffer += data
                self.asked = False
            else:
                raise EOFError("the stream ended")
        taken = bytes(self.buffer[:size])
        del self.buffer[:size]
        return taken

    def _frame(self):
        size = struct.unpack(">I", self._exactly(4))[0]
        if not 0 < size <= self.max_frame:
            raise ValueError(f"a frame of {size} bytes")
        body = self._exactly(size)
        try:
            return msgpack.unpackb(body, strict_map_key=False)
        except Exception:
            if body[1] != EVENT:
                raise
            return [EVENT, None, Undecoded(body)]

    def _read(self):
        """Handles frames up to CLOSE. Returns after how many milliseconds the hub wants this client back."""
        while True:
            frame = self._frame()
            if frame[0] == RUN:
                topic, _, first, count, publisher, time_ms, ids = frame[1:8]
                for number in range(first, first + count):  # each one counts at once: the next may be cut off
                    payload, headers = (self._frame() + [{}])[2:4]
                    self._hand(ids, Event(topic, number, publisher, time_ms, payload, headers))
            elif frame[0] == GAP:
                topic, _, first, last, reason, ids = frame[1:7]
                self._hand(ids, Gap(topic, first, last, reason))
            elif frame[0] == PING:
                self._put_at_once([PONG, frame[1]])
            elif frame[0] == CLOSE:
                return self._ended(frame)
            else:
                self._answered(frame)

    def _answered(self, frame):
        """Handles what answers a frame of this client."""
        done = []
        with self.changed:
            if frame[0] == SUBSCRIBED and frame[1] in self.subscriptions:
                done = [(self.subscriptions[frame[1]].placed, None)]
            elif frame[0] == RECEIPT:
                covered = [self.events.pop(number) for number in range(self.receipted, frame[1])]
                done = [(accepted, None) for _, accepted in covered]
                self.in_flight -= sum(len(body) for body, _ in covered)
                self.receipted = frame[1]
            elif frame[0] == REFUSED and frame[1] == 0 and frame[2] in self.events:
                # It stays in `events` until a RECEIPT covers it: it has a number like all others.
                done = [(self.events[frame[2]][1], Refused(frame[3], frame[4]))]
            elif frame[:2] == [REFUSED, 1] and frame[3] == UNKNOWN_SUBSCRIPTION and frame[2] in self.subscriptions:
                self._again(frame[2], self.subscriptions[frame[2]])
            elif frame[0] == REFUSED and frame[1] == 1 and frame[2] in self.subscriptions:
                log.warning("subscription %s is refused: %s", frame[2], frame[4])
                done = [(self.subscriptions.pop(frame[2]).placed, Refused(frame[3], frame[4]))]
            elif frame[0] == PONG:
                self.flushes.discard(frame[1])
            self.changed.notify_all()
        for future, error in done:
            self._done(future, error)

    def _hand(self, ids, what):
        """Gives an Event or a Gap to each of its listeners, and counts it there."""
        with self.changed:
            for s in [self.subscriptions[number] for number in ids if number in self.subscriptions]:
                s.events += isinstance(what, Event)
                s.gaps += isinstance(what, Gap)
                self._to_listener(s, what)
        if 0 in ids and isinstance(what, Event) and what.headers.get("re") in self.replies:
            failed = what.headers.get("type") == "hub.error"
            error = RuntimeError(what.payload["message"]) if failed else None
            self._done(self.replies.pop(what.headers["re"]), error, what)

    def _to_listener(self, s, what):
        s.waiting.put((s.life, what))
        s.unfinished += 1

    def _listen(self, number, s):
        for life, what in iter(s.waiting.get, None):
            try:
                if number in self.subscriptions:
                    s.handler(what)
            except Exception:  # one that fails ends neither its listener nor the connection
                log.exception("a listener of %s failed", s.filter)
            with self.changed:
                s.unfinished -= 1
                window = s.options.get("window")
                if window and isinstance(what, Event) and life == s.life:
                    s.finished += 1
                    if (s.finished - s.told) * 4 >= window[0] or s.waiting.empty():
                        s.told = s.finished
                        self._put_at_once([TAKEN, number, s.finished, None, None])
                self.changed.notify_all()

    # -- waiting

    def _until(self, done):
        with self.changed:
            if not self.changed.wait_for(lambda: done() or self.closed, self.wait):
                raise TimeoutError("the hub did not answer in time")
            if not done():
                raise ConnectionError(f"closed: {self.closed}")

    @staticmethod
    def _done(future, error=None, result=None):
        """Ends a Future. An event may be refused first and covered by a RECEIPT later: the first counts."""
        if not future.done():
            future.set_exception(error) if error else future.set_result(result)
