#!/usr/bin/env python3
"""Runs behaviour.json over the small client of PROTOCOL.md, through a proxy that can cut, hold and inject.

Every SDK has such a runner of its own; behaviour.md describes the format.
"""

import argparse
import collections
import functools
import json
import secrets
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "examples" / "python")]
sys.dont_write_bytecode = True

from suite import client, frames, msgpack  # noqa: E402
from suite.bridge import Bridge  # noqa: E402
from suite.hubs import Hubs  # noqa: E402
from suite.proxy import framed  # noqa: E402
from suite.side import Side  # noqa: E402

# The client needs a module of this name. The suite's own decoder takes its place, so that nothing is installed.
sys.modules["msgpack"] = SimpleNamespace(packb=msgpack.pack, unpackb=lambda body, **_: msgpack.unpack(body))

import small_client  # noqa: E402
from small_client import MISSED, Event, Gap, Hub, Refused, log  # noqa: E402

log.setLevel("CRITICAL")  # the cases bring about what it warns of

FILE = HERE / "behaviour.json"


class Wrong(Exception):
    """What was seen is not what must be seen."""


class Case:
    def __init__(self, case, hubs, wait):
        self.case, self.hubs, self.wait = case, hubs, wait
        self.topic = "behaviour." + secrets.token_hex(4)
        self.sides, self.seen, self.listeners, self.open, self.started = {}, collections.defaultdict(list), {}, {}, []
        self.stalled = collections.defaultdict(threading.Event)  # set when the listener may go on
        self.address = self._own() if "hub" in case else hubs.address("plain")

    def _own(self):
        return self.hubs.own(self, self.case["hub"]).address

    def run(self):
        try:
            for step in self.case["steps"]:
                step = self._value(step)
                (self._see if "see" in step else getattr(self, "do_" + step["do"]))(step)
        except (Refused, ConnectionError, TimeoutError) as error:
            raise Wrong(f"step {json.dumps(step)[:120]}: {error!r}") from error
        finally:
            for go in self.stalled.values():
                go.set()
            for side in self.sides.values():
                if side.sdk:
                    side.sdk.closed = side.sdk.closed or (0, "the case is over")
                side.open.set()
                side.proxy.close()
                side.proxy.cut()
            for hub in self.started:
                hub.end()

    def _value(self, value):
        """Puts the topic in, and makes values of MessagePack of what JSON cannot say."""
        if isinstance(value, str):
            return value.replace("{t}", self.topic)
        if isinstance(value, list):
            return [self._value(v) for v in value]
        if isinstance(value, dict):
            if set(value) == {"$bin"}:
                return bytes.fromhex(value["$bin"])
            if set(value) == {"$uint"}:
                return int(value["$uint"])
            return {k: self._value(v) for k, v in value.items()}
        return value

    def _until(self, done, what):
        deadline = time.monotonic() + self.wait
        while not done():
            if time.monotonic() > deadline:
                raise Wrong(what() if callable(what) else what)
            time.sleep(0.01)

    def _side(self, name):
        return self.sides.setdefault(name, None) or self.sides.update({name: Side(self.address)}) or self.sides[name]

    def _fails(self, step, wanted):
        """Waits for an answer that has to be a failure."""
        try:
            wanted.result(self.wait)
        except Refused as refused:
            got = {number: name for name, number in frames.REFUSALS.items()}.get(refused.code, refused.code)
        except ConnectionError:
            got = "closed" if step["fails"] == "closed" else "lost"
        else:
            got = "nothing"
        if got != step["fails"]:
            raise Wrong(f"it should fail with {step['fails']}, and failed with {got}")

    # -- steps

    def do_connect(self, step):
        side = self._side(step["client"])
        side.sdk = Hub(side.proxy.address, step["client"], self.wait, side.states.append)

    def do_on(self, step, once=False):
        sdk, name, seen = self.sides[step["client"]].sdk, step["as"], self.seen[step["as"]]

        go = self.stalled[name] if step.get("stalls") else None

        def handler(event):
            if event != MISSED and (not once or not seen):
                seen.append(event)
            if once:
                self.do_off(step)
            if go:
                go.wait()
            if "emits" in step and isinstance(event, Event):
                sdk.emit(step["emits"], event.payload).result(self.wait)
            if step.get("raises"):
                raise ValueError("this listener fails with each event")

        if "fails" in step:
            made = []
            try:
                made.append(sdk.on(step["filter"], handler, **step.get("options", {})))
            except Refused as refused:
                if refused.code == frames.REFUSALS[step["fails"]]:
                    return
            raise Wrong(f"the subscription should be refused with {step['fails']}")
        self.listeners[name] = (sdk, None)
        self.listeners[name] = (sdk, sdk.on(step["filter"], handler, **step.get("options", {})))

    def do_once(self, step):
        self.do_on(step, once=True)

    def do_off(self, step):
        sdk, number = self.listeners[step["as"]]
        if number:
            sdk.off(number)

    def do_finish(self, step):
        self.stalled[step["as"]].set()

    def do_serve(self, step):
        sdk, seen, answer = self.sides[step["client"]].sdk, self.seen[step["as"]], step["answer"]

        def handler(event):
            seen.append(event)
            echo, re = answer == "echo", {"re": event.headers["id"]}
            payload = event.payload if echo else {"message": answer["error"]}
            sdk.emit(event.headers["reply"], payload, re if echo else re | {"type": "hub.error"})

        self.listeners[step["as"]] = (sdk, sdk.on(step["topic"], handler, **step.get("options", {})))

    def do_emit(self, step):
        sdk, payloads = self.sides[step["client"]].sdk, [step.get("payload")]
        if "count" in step:
            first, fill = step.get("from", 0), step.get("bytes")
            payloads = [[n, bytes(fill)] if fill else n for n in range(first, first + step["count"])]
        try:
            waiting = [sdk.emit(step["topic"], payload, step.get("headers")) for payload in payloads]
        except ConnectionError:
            if step.get("fails") == "closed":
                return
            raise
        if "as" in step:
            self.open[step["as"]] = waiting
        elif "fails" in step:
            self._fails(step, waiting[0])
        elif step.get("wait", True):
            for wanted in waiting:
                wanted.result(self.wait)

    def do_request(self, step):
        sdk = self.sides[step["client"]].sdk
        payloads = range(step["count"]) if "count" in step else [step["payload"]]
        waiting = [sdk.request(step["topic"], payload) for payload in payloads]
        if "as" in step:
            self.open[step["as"]] = waiting
        elif "fails" in step:
            self._fails(step, waiting[0])
        elif "error" in step:
            try:
                got = waiting[0].result(self.wait)
            except RuntimeError as error:
                got = str(error)
            if got != step["error"]:
                raise Wrong(f"the error {step['error']!r} was due, and {got!r} came")
        else:
            replies = [wanted.result(self.wait).payload for wanted in waiting]
            if replies != (list(payloads) if "count" in step else [step["reply"]]):
                raise Wrong(f"the replies were {replies!r:.200}")

    def do_publish(self, step):
        """Publishes over a connection of the runner's own, because no client would write these bytes."""
        c = client.connect(self.address, self.wait)
        c.hello()
        c.send(frames.EVENT, step["topic"], msgpack.Raw(bytes.fromhex(step["payload"])))
        c.nothing()

    def do_flush(self, step):
        sdk, ended = self.sides[step["client"]].sdk, Future()
        self.open[step["as"]] = [ended]

        def run():
            try:
                ended.set_result(sdk.flush())
            except Exception as error:
                ended.set_exception(error)

        threading.Thread(target=run, daemon=True).start()

    def do_settle(self, _=None):
        """Everything that was sent is handled, and everything that was due has come, window after window."""
        still = 0
        while still < 2:
            before = sum(map(len, self.seen.values()))
            for side in self.sides.values():
                if side.sdk and side.sdk.facts:
                    side.sdk.flush()
            self._until(lambda: not any(self._busy(name) for name in self.listeners), "a listener did not finish")
            still = still + 1 if sum(map(len, self.seen.values())) == before else 0

    def _busy(self, name):
        """Whether a listener, which is not stalled, has not finished what came."""
        sdk, number = self.listeners[name]
        stalled = name in self.stalled and not self.stalled[name].is_set()
        subscription = sdk.subscriptions.get(number)
        return bool(subscription and subscription.unfinished and not stalled)

    def do_cut(self, step):
        side = self.sides[step["client"]]
        side.mark()
        if step.get("stay"):
            side.target, side.proxy.target = side.proxy.target, ("127.0.0.1", 1)
        side.proxy.cut()
        self._until(lambda: side.states.count("lost") >= side.marked, "the client did not notice the cut")
        side.open.set()

    def do_return(self, step):
        side = self.sides[step["client"]]
        side.proxy.target = side.target
        self.do_reconnected(step)

    def do_reconnected(self, step):
        side = self.sides[step["client"]]
        self._until(
            lambda: side.states.count("connected") > side.marked, lambda: f"no reconnect: {side.states}"
        )
        took = (time.monotonic() - side.mark_time) * 1000
        if took < step.get("not_before_ms", 0):
            raise Wrong(f"the client was back after {took:.0f} ms")

    def do_restart(self, _):
        for side in self.sides.values():
            side.mark()
        self.started[-1].end()
        self.address = self._own()
        host, port = self.address.rsplit(":", 1)
        for side in self.sides.values():
            side.proxy.target = (host, int(port))

    def do_hold(self, step):
        self.sides[step["client"]].mark()
        self.sides[step["client"]].open.clear()

    def do_release(self, step):
        side = self.sides[step["client"]]
        side.proxy.cut()
        side.open.set()

    def do_inject(self, step):
        side = self.sides[step["client"]]
        self.do_settle()
        side.mark()
        bodies = [msgpack.pack(frame) for frame in step.get("frames", [step.get("frame")])]
        if "body" in step:
            bodies = [bytes.fromhex(step["body"])]
        stream, _, wire = side.proxy.links[-1]
        with wire.lock:
            stream.sendall(b"".join(map(framed, bodies)))
            if step.get("then") == "cut":
                wire.end(stream)

    def do_lengthen(self, step):
        self._side(step["client"]).longer = step["bytes"]

    def do_shorten(self, step):
        self._side(step["client"]).short = True

    def do_idle(self, step):
        time.sleep(step["ms"] / 1000)

    # -- what must be seen

    def _see(self, step):
        names = step["see"] if isinstance(step["see"], list) else [step["see"]]
        if "fails" in step or "accepted" in step:
            return [self._fails(step, w) if "fails" in step else w.result(self.wait) for w in self.open[names[0]]]
        if "sent" in step or "taken" in step or "states" in step:
            side = self.sides[names[0]]
            if "taken" in step:
                told = lambda: [f[2] for f in list(side.sent) if f[0] == frames.TAKEN]  # noqa: E731
                return self._until(lambda: max(told(), default=0) >= step["taken"], lambda: f"TAKEN said {told()}")
            if "sent" in step:
                due = step["sent"]
                return self._until(
                    lambda: any(f[: len(due)] == due for f in list(side.sent)), f"the client never sent {due}"
                )
            return self._until(lambda: side.states == step["states"], lambda: f"the states were {side.states}")
        self._until(
            lambda: len(self._got(names, step)) >= len(self._due(step)), lambda: f"{self._got(names, step)!r:.300} came"
        )
        if not step.get("unsettled"):
            self.do_settle()
        reasons = {self._shown(e)["reason"] for name in names for e in self.seen[name] if isinstance(e, Gap)}
        if reasons != set(step.get("gaps", reasons)):
            raise Wrong(f"gaps with the reasons {step['gaps']} were due, and {reasons} came")
        if self._got(names, step) != self._due(step):
            got, due = self._got(names, step), self._due(step)
            at = next((n for n, (a, b) in enumerate(zip(got, due)) if a != b), min(len(got), len(due)))
            raise Wrong(f"{due[at : at + 20]} was due from place {at} on, and {got[at : at + 20]} came")

    def _due(self, step):
        if "count" in step or "together" in step:
            return list(range(step.get("count", step.get("together"))))
        if "ends" in step:
            return step["ends"]
        if "accounted" in step:
            return list(range(1, step["accounted"] + 1))
        return step.get("payloads", step.get("all", step.get("headers")))

    def _got(self, names, step):
        seen = [event for name in names for event in list(self.seen[name])]
        may = step.get("may", [])  # gaps that not every client tells
        seen = [e for e in seen if not (isinstance(e, Gap) and self._shown(e)["reason"] in may)]
        if "headers" in step:
            return [event.headers for event in seen]
        if "accounted" in step:
            spans = [(e.first, e.last) if isinstance(e, Gap) else (e.number, e.number) for e in seen]
            return sorted(number for first, last in spans for number in range(first, last + 1))
        shown = [self._shown(event) for event in seen]
        if "ends" in step:
            return shown[-len(step["ends"]) :]
        if "count" in step or "together" in step:
            shown = [s[0] if isinstance(s, list) else s for s in shown]
        return sorted(shown) if "together" in step else shown

    def _shown(self, event):
        if isinstance(event, Gap):
            names = {number: name for name, number in frames.GAPS.items()}
            return {"gap": [event.first, event.last], "reason": names.get(event.reason, event.reason)}
        assert isinstance(event, Event)
        return event.payload


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", nargs="?", metavar="HOST:PORT", help="a hub that runs, with its defaults")
    parser.add_argument("--hub", metavar="PATH", help="start this binary")
    parser.add_argument("--sdk", metavar="COMMAND", help="a program that drives another client; see suite/bridge.py")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cases whose name contains this")
    parser.add_argument("--wait", type=float, default=20, help="how many seconds an answer may take (20)")
    chosen = parser.parse_args()
    if not chosen.address and not chosen.hub:
        parser.error("HOST:PORT or --hub PATH is needed")
    if chosen.sdk:
        globals()["Hub"] = functools.partial(Bridge, chosen.sdk, small_client)
    hubs, bad = Hubs(chosen.hub, {"plain": chosen.address} if chosen.address else {}), 0
    cases = [case for case in json.loads(FILE.read_text())["cases"] if chosen.only in case["name"]]
    try:
        for case in cases:
            if "hub" in case and not chosen.hub:
                print(f"skipped {case['name']}: needs --hub")
                continue
            try:
                Case(case, hubs, chosen.wait).run()
                print(f"passed  {case['name']}", flush=True)
            except Wrong as wrong:
                bad += 1
                print(f"failed  {case['name']}\n        {wrong}", flush=True)
    finally:
        hubs.end()
    print(f"{len(cases)} cases, {bad} failed")
    sys.exit(1 if bad or not cases else 0)


if __name__ == "__main__":
    main()
