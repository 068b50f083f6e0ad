"""A client of a case of behaviour.json, behind a proxy that records, holds back and changes what passes."""

import threading
import time

from . import frames, msgpack
from .deviations import kind, values
from .proxy import Deviation, Proxy, changed


class Wire(Deviation):
    """The connections of one client: what it sends is recorded, and what it gets can be held and changed."""

    reads_client = True

    def __init__(self, side):
        super().__init__()
        self.side = side

    def hub(self, body):
        self.side.open.wait()
        if kind(body) == frames.WELCOME and self.side.longer:
            return [changed(body, 2, values(body)[2] | {"later": "x" * self.side.longer})]
        if kind(body) == frames.RUN and self.side.short:
            return [msgpack.pack(values(body))]
        return [body]

    def client(self, body):
        self.side.sent.append(values(body))
        return [body]


class Side:
    """A client of a case, with the proxy in front of it."""

    def __init__(self, address):
        self.sent, self.longer, self.short, self.sdk, self.states = [], 0, False, None, []
        self.open = threading.Event()
        self.open.set()
        self.proxy = Proxy(address, lambda: Wire(self))
        self.marked, self.mark_time = 0, 0.0

    def mark(self):
        self.marked, self.mark_time = self.states.count("connected"), time.monotonic()
