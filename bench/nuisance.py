#!/usr/bin/env python3
"""Clients that a hub could do without, for disturbance.sh. They stay until they are ended.

  nuisance.py stalled HOST PORT TOPIC    subscribes with a small buffer, and never reads
  nuisance.py loris HOST PORT COUNT      so many sockets, each with one byte of HELLO a second;
                                         those that the hub closes come again

Each prints "ready" when all of it is in place. Needs nothing beside Python."""

import selectors
import signal
import socket
import struct
import sys
import time

HELLO = b"\x94\x01\xa3hub\x01\x80"  # [1, "hub", 1, {}]


def frame(body):
    return struct.pack(">I", len(body)) + body


def text(string):
    return b"\xd9" + bytes([len(string)]) + string


def stalled(host, port, topic):
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((host, port))
    client.sendall(frame(HELLO) + frame(b"\x94\x05\x01" + text(topic.encode()) + b"\x80"))
    # WELCOME: the hub has read what came with it, or is about to.
    client.recv(64)
    time.sleep(0.2)
    print("ready", flush=True)
    signal.pause()


def loris(host, port, count):
    said = frame(HELLO)
    selector = selectors.EpollSelector()
    clients = {}

    def open_one():
        client = socket.create_connection((host, port))
        client.setblocking(False)
        clients[client] = 0
        selector.register(client, selectors.EVENT_READ)

    for _ in range(count):
        open_one()
    print("ready", flush=True)
    turn = []
    while True:
        # A hundredth of them each hundredth of a second.
        turn = turn or list(clients)
        batch, turn = turn[: count // 100], turn[count // 100 :]
        for client in batch:
            if client in clients and clients[client] < len(said) - 1:
                try:
                    client.send(said[clients[client] :][:1])
                    clients[client] += 1
                except OSError:
                    pass  # its end is read below
        until = time.monotonic() + 0.01
        while (wait := until - time.monotonic()) > 0:
            for key, _ in selector.select(wait):
                client = key.fileobj
                try:
                    if client.recv(256):
                        continue
                except OSError:
                    pass
                selector.unregister(client)
                client.close()
                del clients[client]
                open_one()


kind, host, port, what = sys.argv[1:]
{"stalled": stalled, "loris": lambda h, p, n: loris(h, p, int(n))}[kind](host, int(port), what)
