"""A client for the hub, written from PROTOCOL.md alone. Needs msgpack from PyPI."""

import itertools
import os
import queue
import socket
import struct
import threading
from collections import namedtuple

import msgpack

Event = namedtuple("Event", "topic seq publisher time_ms payload headers")
Gap = namedtuple("Gap", "topic first last reason")  # events that do not come


class Refused(Exception):
    code = property(lambda self: self.args[0])


class Hub:
    """One connection, with a thread that reads and one that writes: neither waits for the other."""

    def __init__(self, host, port, name="python", timeout=10):
        self.timeout, self.max_frame = timeout, 65536  # until WELCOME says
        self.changed, self.closed = threading.Condition(), None  # (code, reason), at the end
        self.handlers, self.answered, self.refused, self.replies = {}, set(), {}, {}
        self.ids, self.outgoing = itertools.count(1), queue.SimpleQueue()
        self.socket = socket.create_connection((host, port), timeout)
        self.incoming = self.socket.makefile("rb")
        self._write([1, "hub", 1, {"name": name, "instance": os.urandom(16), "receipts": True}])
        frame = self._read()
        if frame[0] != 2:
            raise ConnectionError(f"no WELCOME, but {frame}")
        self.facts, self.max_frame = frame[2], frame[2]["max_frame"]
        self.next_number = self.receipted = self.facts["received"]
        self.socket.settimeout(None)
        self.reader = threading.Thread(target=self._reader, daemon=True)
        self.reader.start()
        threading.Thread(target=self._writer, daemon=True).start()
        inbox = self.facts["inbox"]  # for the answers to requests
        self.subscribe(inbox, lambda event: self.replies.update({event.headers.get("re"): event}))

    def subscribe(self, pattern, handler, **options):
        """Calls handler(Event or Gap) in the thread that reads, so it must not wait for the hub."""
        number = next(self.ids)
        self.handlers[number] = (pattern, handler)
        self.outgoing.put([5, number, pattern, options])
        self._wait(lambda: (6, number) in self.answered, (1, number))

    def send(self, topic, payload, headers=None):
        """Does not wait for the receipt. Returns the event's number."""
        with self.changed:  # both sides count events in the order in which they are written
            self.outgoing.put([3, topic, payload, headers or {}])
            self.next_number += 1
            return self.next_number - 1

    def emit(self, topic, payload, headers=None):
        """Returns when the hub has the event. Raises Refused if it did not take it."""
        number = self.send(topic, payload, headers)
        self._wait(lambda: self.receipted > number, (0, number))

    def request(self, topic, payload):
        name = f"request-{next(self.ids)}"
        self.emit(topic, payload, {"reply": self.facts["inbox"], "id": name})
        self._wait(lambda: name in self.replies)
        return self.replies.pop(name)

    def flush(self):
        """Returns when everything sent is taken care of, and everything queued here has come."""
        token = next(self.ids)
        self.outgoing.put([11, token])
        self._wait(lambda: (12, token) in self.answered)

    def close(self):
        self.outgoing.put([13, 200, "done", None])
        self.reader.join(self.timeout)  # it reads to the end of the stream
        return self.closed

    def _wait(self, done, refusal=None):
        with self.changed:
            over = lambda: done() or refusal in self.refused or self.closed
            if not self.changed.wait_for(over, self.timeout):
                raise TimeoutError("the hub did not answer in time")
            if refusal in self.refused:
                raise self.refused.pop(refusal)
            if not done():
                raise ConnectionError(f"closed: {self.closed}")

    def _write(self, frame):
        body = msgpack.packb(frame)
        self.socket.sendall(struct.pack(">I", len(body)) + body)

    def _writer(self):
        for frame in iter(self.outgoing.get, None):
            self._write(frame)

    def _read(self):
        head = self.incoming.read(4)
        length = struct.unpack(">I", head)[0] if len(head) == 4 else 0
        body = self.incoming.read(length) if length <= self.max_frame else b""
        if length == 0 or len(body) < length:
            raise ConnectionError("the stream ended, or a frame has a wrong length")
        return msgpack.unpackb(body, strict_map_key=False)

    def _reader(self):
        closed = (0, "the connection broke")
        try:
            while closed[0] == 0:
                frame = self._read()
                if frame[0] == 4:  # RUN: so many EVENTs follow
                    topic, _epoch, first, count, publisher, time_ms, only = frame[1:8]
                    for seq in range(first, first + count):
                        payload, headers = (self._read() + [{}])[2:4]
                        self._hand(only, Event(topic, seq, publisher, time_ms, payload, headers))
                elif frame[0] == 10:
                    self._hand(frame[6], Gap(frame[1], *frame[3:6]))
                elif frame[0] == 11:
                    self.outgoing.put([12, frame[1]])
                with self.changed:
                    if frame[0] in (6, 12):  # SUBSCRIBED, PONG
                        self.answered.add((frame[0], frame[1]))
                    elif frame[0] == 8:  # RECEIPT
                        self.receipted = frame[1]
                    elif frame[0] == 9:
                        self.refused[frame[1], frame[2]] = Refused(frame[3], frame[4])
                    elif frame[0] == 13:  # CLOSE
                        closed = (frame[1], frame[2])
                    self.changed.notify_all()
        finally:
            self.outgoing.put(None)  # ends the writer
            self.incoming.close()
            self.socket.close()  # our FIN, after the hub's
            with self.changed:
                self.closed = closed
                self.changed.notify_all()

    def _hand(self, only, what):
        for number, (pattern, handler) in list(self.handlers.items()):
            if number == only or (only is None and matches(pattern, what.topic)):
                handler(what)


def matches(pattern, name):
    p, n = pattern.split("."), name.split(".")
    if name.startswith("$") and not pattern.startswith("$"):
        return False
    fits = all(token in ("*", "**", other) for token, other in zip(p, n))
    return fits and (len(p) == len(n) or (p[-1] == "**" and len(n) > len(p)))
