"""A client of another language, for behave.py: a program that does on its input what a case says.

The runner starts the program once for each client. The environment has the address (HUB_BEHAVIOUR_DRIVER) and the
name (HUB_BEHAVIOUR_NAME). Each call is a line of JSON on the program's input, and each answer, delivery and state a
line of JSON on its output; other lines are skipped. Payloads and headers are MessagePack in hexadecimal digits.

| call | answer |
|---|---|
| {"id", "do": "on", "filter", "options"} | {"id", "ok"} when the listener is in place |
| {"id", "do": "off", "on": id of the listener} | none |
| {"id", "do": "done", "on"} | none. The handler has finished the last delivery, and the next one may come |
| {"id", "do": "emit", "topic", "payload", "headers"} | {"id", "ok"} when the hub has the event |
| {"id", "do": "request", "topic", "payload"} | {"id", "ok": {"event", "failed"}} |
| {"id", "do": "flush"} | {"id", "ok"} when all that was due has come |

A call that fails is answered with {"id", "error": {"code"}} after a refusal, and {"id", "error": {"lost"}} after the
end of the connection. A delivery is {"on", "event"} or {"on", "gap": [topic, first, last, reason]}, a state
{"state"}: `connected`, `lost` or `closed`.
"""

import itertools
import json
import os
import queue
import shlex
import subprocess
import threading
from concurrent.futures import Future
from types import SimpleNamespace

from suite import msgpack


class Bridge:
    """One client. It has the methods of the small client that behave.py uses."""

    def __init__(self, command, types, address, name, wait, states):
        self.types, self.wait, self.states = types, wait, states
        self.ids, self.lock, self.answers, self.subscriptions = itertools.count(1), threading.Lock(), {}, {}
        self.facts, self.ended, self.connected = None, None, threading.Event()
        where = {"HUB_BEHAVIOUR_DRIVER": "{}:{}".format(*address) if isinstance(address, tuple) else address}
        self.process = subprocess.Popen(
            shlex.split(command),
            env=os.environ | where | {"HUB_BEHAVIOUR_NAME": name},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()
        if not self.connected.wait(wait):
            raise TimeoutError("the client did not connect")

    @property
    def closed(self):
        return self.ended

    @closed.setter
    def closed(self, why):
        """The runner says that the case is over."""
        self.ended = why
        self.process.kill()
        self.process.wait()

    def on(self, filter, handler, **options):
        number, made = next(self.ids), SimpleNamespace(waiting=queue.SimpleQueue(), unfinished=0)
        self.subscriptions[number] = made
        threading.Thread(target=self._listen, args=(number, made, handler), daemon=True).start()
        try:
            self._call("on", number, filter=filter, options=options).result(self.wait)
        except Exception:
            del self.subscriptions[number]
            raise
        return number

    def off(self, number):
        if self.subscriptions.pop(number, None):
            self._say({"id": next(self.ids), "do": "off", "on": number})

    def emit(self, topic, payload, headers=None):
        if self.ended:
            raise ConnectionError(f"closed: {self.ended}")
        packed = {"payload": msgpack.pack(payload).hex(), "headers": msgpack.pack(headers or {}).hex()}
        return self._call("emit", topic=topic, **packed)

    def request(self, topic, payload):
        reply = Future()

        def answered(answer):
            if answer.exception():
                return reply.set_exception(answer.exception())
            event = self._event(answer.result()["event"])
            if answer.result()["failed"]:
                return reply.set_exception(RuntimeError(event.payload["message"]))
            return reply.set_result(event)

        self._call("request", topic=topic, payload=msgpack.pack(payload).hex()).add_done_callback(answered)
        return reply

    def flush(self):
        self._call("flush").result(self.wait)

    def _call(self, do, number=None, **keys):
        number = number or next(self.ids)
        answer = self.answers[number] = Future()
        self._say({"id": number, "do": do} | keys)
        return answer

    def _say(self, call):
        try:
            with self.lock:
                self.process.stdin.write(json.dumps(call) + "\n")
                self.process.stdin.flush()
        except (OSError, ValueError) as error:
            raise ConnectionError("the client's program has ended") from error

    def _event(self, e):
        payload, headers = bytes.fromhex(e["payload"]), bytes.fromhex(e["headers"])
        try:
            payload = msgpack.unpack(payload)
        except Exception:  # a value that the suite's decoder does not know
            payload = self.types.Undecoded(payload)
        return self.types.Event(e["topic"], e["number"], e["publisher"], e["time_ms"], payload, msgpack.unpack(headers))

    def _read(self):
        for line in self.process.stdout:
            if not line.startswith("{"):
                continue
            said = json.loads(line)
            if "state" in said:
                self.facts = said["state"] == "connected" or None
                if said["state"] == "closed":
                    self.ended = self.ended or (0, said["reason"])
                self.states(said["state"])
                self.connected.set()
            elif "on" in said:
                made = self.subscriptions.get(said["on"])
                if made:
                    made.unfinished += 1
                    made.waiting.put(self._event(said["event"]) if "event" in said else self.types.Gap(*said["gap"]))
            elif "error" in said:
                error, answer = said["error"], self.answers.pop(said["id"])
                refused = "code" in error
                answer.set_exception(self.types.Refused(error["code"]) if refused else ConnectionError(error["lost"]))
            else:
                self.answers.pop(said["id"]).set_result(said["ok"])
        for answer in list(self.answers.values()):
            if not answer.done():
                answer.set_exception(ConnectionError("the client's program has ended"))

    def _listen(self, number, made, handler):
        while True:
            what = made.waiting.get()
            try:
                handler(what)
            except Exception:  # a client goes on with the next event
                pass
            finally:
                made.unfinished -= 1
            if number in self.subscriptions:
                try:
                    self._say({"id": next(self.ids), "do": "done", "on": number})
                except ConnectionError:
                    return
