"""A round trip through the hub at HOST:PORT. Exit code 0 if all is as PROTOCOL.md says."""

import sys
import time

from hub_client import Event, Hub, Refused


def check(what, got, wanted):
    print(f"{'ok' if got == wanted else 'WRONG'}: {what}: {got!r}")
    if got != wanted:
        sys.exit(f"{what}: wanted {wanted!r}")


def refusal(action, *arguments):
    try:
        action(*arguments)
    except Refused as refused:
        return refused.code
    return None


def main(address):
    host, port = address.removeprefix("hub://").rsplit(":", 1)
    topic = f"python.{time.time_ns()}"  # new each time, so that its numbers start with 1
    payloads = [{"text": "grüß", "n": [1, -2, 2**64 - 1, 1.5]}, None, b"\x00\xff", "", {}]
    came = []

    receiver, sender = Hub(host, port, "receiver"), Hub(host, port, "sender")
    receiver.subscribe("python.*", came.append)
    for payload in payloads:
        sender.emit(topic, payload, {"key": "k"})  # waits for the receipt
    receiver.flush()  # all that the hub had queued for it has come
    got = [event for event in came if event.topic == topic]
    check("nothing is missing", [e for e in got if not isinstance(e, Event)], [])
    check("payloads", [event.payload for event in got], payloads)
    check("numbers", [event.seq for event in got], [1, 2, 3, 4, 5])
    check("headers", [event.headers for event in got], [{"key": "k"}] * 5)
    check("publisher", {event.publisher for event in got}, {sender.facts["publisher"]})
    check("receipts", sender.receipted, 5)

    check("a filter in a topic's place", refusal(sender.emit, "python.*", 1), 4)
    check("a reserved topic", refusal(sender.emit, "$hub.x", 1), 5)
    check("a reserved header", refusal(sender.emit, topic, 1, {"$seq": 1}), 7)
    check("a filter that is none", refusal(sender.subscribe, "a.**.b", print), 9)
    check("a request to nobody", refusal(sender.request, f"{topic}.none", 1), 8)
    check("receipts, refused ones too", sender.receipted, 9)

    def answer(request):
        receiver.send(
            request.headers["reply"], request.payload * 2, {"re": request.headers["id"]}
        )

    receiver.subscribe(f"{topic}.double", answer)
    check("an answer", sender.request(f"{topic}.double", 21).payload, 42)

    check("goodbye", sender.close()[0], 200)
    check("goodbye of the other", receiver.close()[0], 200)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:4820")
