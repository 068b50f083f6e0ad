"""Cuts the connections of the small client at random bytes, and shows that it loses and repeats nothing.

    python cuts.py HOST:PORT [events [cuts]]

A publisher and a listener speak to the hub through a proxy that ends their connections after a drawn number of
bytes, in either direction, with RST or FIN. In between, the publisher sends events that the hub refuses.
"""

import logging
import random
import socket
import struct
import sys
import threading
import time

from small_client import Event, Hub, Refused


class CuttingProxy:
    """Passes bytes on, and ends each connection after so many of them, until it has made all its cuts."""

    def __init__(self, address, cuts, bytes_between):
        host, port = address.removeprefix("hub://").rsplit(":", 1)
        self.target, self.left, self.between = (host, int(port)), cuts, bytes_between
        self.random, self.lock = random.Random(12), threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            try:
                hub = socket.create_connection(self.target)
            except OSError:
                client.close()
                continue
            link = Link(self, client, hub)
            for source, sink in ((client, hub), (hub, client)):
                threading.Thread(target=link.pump, args=(source, sink), daemon=True).start()

    def budget(self):
        """After how many bytes a connection is cut. Some cuts fall into HELLO, WELCOME and what follows."""
        early = self.random.random() < 0.3
        return self.random.randint(1, 600 if early else 2 * self.between)


class Link:
    def __init__(self, proxy, client, hub):
        self.proxy, self.ends, self.over = proxy, (client, hub), False
        with proxy.lock:
            self.left, self.reset = proxy.budget(), proxy.random.random() < 0.5

    def pump(self, source, sink):
        try:
            while data := source.recv(16_384):
                with self.proxy.lock:
                    if self.proxy.left and len(data) >= self.left and not self.over:
                        self.proxy.left -= 1
                        self.over, data = True, data[: self.left]
                    self.left -= len(data)
                sink.sendall(data)
                if self.over:
                    break
        except OSError:
            pass
        self.end()

    def end(self):
        for end in self.ends:
            try:
                if self.reset:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                # This wakes the other thread up. With RST, no FIN may come before it.
                end.shutdown(socket.SHUT_RD if self.reset else socket.SHUT_RDWR)
                end.close()
            except OSError:
                pass  # the other direction has ended it


def main(address, events=5_000, cuts=100):
    began, topic = time.monotonic(), f"cuts.{time.time_ns()}"
    proxy = CuttingProxy(address, cuts, bytes_between=events * 40 // cuts)
    came, lost = [], []

    def seen(what):
        (came if isinstance(what, Event) else lost).append(what)

    told = {"connected": 0}
    count = lambda state: told.update({state: told.get(state, 0) + 1})  # noqa: E731
    publisher, listener = (Hub(proxy.address, name, 60, count) for name in ("publisher", "listener"))
    listener.on(topic, seen)
    accepted, refused = [], []
    for n in range(events):
        if n % 7 == 0:
            refused.append(publisher.emit("no topic", n))
        accepted.append(publisher.emit(topic, n))
    publisher.flush()
    publisher.close()
    wrong = [f.exception() for f in accepted if f.exception()]
    codes = {f.exception().args[0] for f in refused if isinstance(f.exception(), Refused)}
    while len(came) < events and not lost and time.monotonic() - began < 3_600:
        listener.flush()
    listener.flush()  # what came too often comes now
    listener.close()
    payloads = [event.payload for event in came]
    print(
        f"{events} events and {len(refused)} refused ones, {cuts - proxy.left} cuts, {told['connected']} connections, "
        f"{time.monotonic() - began:.0f} s: {len(set(range(events)) - set(payloads))} lost, "
        f"{len(payloads) - len(set(payloads))} twice, {len(lost)} gaps, {len(wrong)} wrongly refused"
    )
    if proxy.left or lost or wrong or payloads != list(range(events)) or codes != {4}:
        sys.exit(f"WRONG: {proxy.left} cuts left; {lost[:3]} {wrong[:3]} {codes}")


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    main(sys.argv[1], *map(int, sys.argv[2:]))
