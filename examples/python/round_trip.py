"""A round trip through the hub at HOST:PORT. Exit code 0 if all is as PROTOCOL.md says."""

import logging
import socket
import struct
import sys
import threading
import time

import msgpack

from small_client import Event, Hub, Refused, Undecoded


def check(what, got, wanted):
    print(f"{'ok' if got == wanted else 'WRONG'}: {what}: {got!r}")
    if got != wanted:
        sys.exit(f"{what}: wanted {wanted!r}")


def refusal(action, *arguments):
    try:
        done = action(*arguments)
        done.result(10)
    except Refused as refused:
        return refused.code
    return None


def publish_bytes(address, topic, payload):
    """Publishes a payload that msgpack would not write, over a connection of its own."""
    host, port = address.removeprefix("hub://").rsplit(":", 1)
    event = b"\x93\x03" + msgpack.packb(topic) + payload
    with socket.create_connection((host, int(port)), 10) as stream:
        for body in (msgpack.packb([1, "hub", 1, {}]), event, msgpack.packb([13, 200, "done", None])):
            stream.sendall(struct.pack(">I", len(body)) + body)
            if body != event:
                stream.recv(65_536)  # WELCOME, and at the end CLOSE


def main(address):
    topic = f"python.{time.time_ns()}"  # new each time, so that its numbers start with 1
    payloads = [{"text": "grüß", "n": [1, -2, 2**64 - 1, 1.5]}, None, b"\x00\xff", "", {}]
    came, all_came = [], threading.Event()

    receiver, sender = Hub(address, "receiver"), Hub(address, "sender")
    receiver.on("python.*", lambda event: came.append(event) or event.payload == "end" and all_came.set())
    for payload in payloads:
        sender.emit(topic, payload, {"key": "k"}).result(10)  # waits for the receipt
    sender.emit(topic, "end", {"key": "k"})
    check("all came", all_came.wait(10), True)
    got = [event for event in came if event.topic == topic]
    check("nothing is missing", [e for e in got if not isinstance(e, Event)], [])
    check("payloads", [event.payload for event in got], payloads + ["end"])
    check("numbers", [event.number for event in got], [1, 2, 3, 4, 5, 6])
    check("headers", [event.headers for event in got], [{"key": "k"}] * 6)
    check("publisher", {event.publisher for event in got}, {sender.facts["publisher"]})

    check("a filter in a topic's place", refusal(sender.emit, "python.*", 1), 4)
    check("a reserved topic", refusal(sender.emit, "$hub.x", 1), 5)
    check("a reserved header", refusal(sender.emit, topic, 1, {"$seq": 1}), 7)
    check("a filter that is none", refusal(sender.on, "a.**.b", print), 9)
    check("a request to nobody", refusal(sender.request, f"{topic}.none", 1), 8)

    def answer(request):
        receiver.emit(request.headers["reply"], request.payload * 2, {"re": request.headers["id"]})

    receiver.on(f"{topic}.double", answer)
    check("an answer", sender.request(f"{topic}.double", 21).result(10).payload, 42)

    jobs, log, over = [], [], threading.Event()
    receiver.on(f"{topic}.jobs", jobs.append, group="workers")
    receiver.on(f"{topic}.jobs", jobs.append, group="workers")
    receiver.on(f"{topic}.jobs", lambda event: 1 / 0)  # it fails each time, and nobody else notices
    receiver.on(f"{topic}.jobs", lambda event: log.append(event) or event.payload == "end" and over.set())
    publish_bytes(address, f"{topic}.jobs", b"\xc7\x05\xff12345")  # a timestamp of a length that there is not
    for n in range(20):
        sender.emit(f"{topic}.jobs", n)
    sender.emit(f"{topic}.jobs", "end")
    check("the plain listener gets all", over.wait(10), True)
    check("what cannot be decoded", [type(event.payload) for event in log[:2]], [Undecoded, int])
    receiver.flush()
    while len(jobs) < 22:
        receiver.flush()
    numbers = sorted(event.payload for event in jobs if isinstance(event.payload, int))
    check("each job is done once", numbers, list(range(20)))

    check("goodbye", sender.close()[0], 200)
    check("goodbye of the other", receiver.close()[0], 200)


if __name__ == "__main__":
    logging.getLogger("small_client").setLevel("CRITICAL")  # a listener fails on purpose
    main(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:4820")
