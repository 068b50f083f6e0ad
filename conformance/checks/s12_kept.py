"""Section 12: subscriptions that outlive their connection."""

import os
import time

from suite.check import Section
from suite.client import Gap
from suite.floods import framed, lost
from suite.frames import CLOSE, EVENT, REFUSALS, REFUSED, RESUME, SUBSCRIBED
from suite.windows import publish

S = Section("12")


class Kept:
    """A client with an instance, which counts what each subscription gets."""

    def __init__(self, t, **hello):
        self.t, self.instance, self.hello = t, os.urandom(16), hello
        self.events, self.gaps, self.got = {}, {}, {}
        self.connect()

    def connect(self):
        self.c = self.t.open(instance=self.instance, **self.hello)
        return self.c

    def subscribe(self, number, pattern, window=10, **options):
        self.c.send(5, number, pattern, {"window": [window, 1_000_000], "keep": True, **options})
        self.events[number] = self.gaps[number] = 0
        self.got[number] = []
        self.count(self.until_subscribed(number))

    def until_subscribed(self, number):
        seen = []
        while not seen or seen[-1][0] != SUBSCRIBED:
            seen.append(self.c.read())
        self.t.equal(seen[-1][1], number, "the id in SUBSCRIBED")
        return seen

    def count(self, seen):
        for d in self.c.delivered(seen):
            for number in d.subscriptions:
                if number in self.got:
                    self.got[number].append(d)
                    self.events[number] += not isinstance(d, Gap)
                    self.gaps[number] += isinstance(d, Gap)

    def flush(self):
        self.count(self.c.flush())

    def resume(self, number, events=None, gaps=None):
        events = self.events[number] if events is None else events
        self.c.send(RESUME, number, events, self.gaps[number] if gaps is None else gaps)
        before = self.until_subscribed(number)[:-1]
        self.t.true(not self.c.delivered(before), "an event came before SUBSCRIBED")
        self.flush()

    def payloads(self, number):
        return [d.payload for d in self.got[number]]


@S.check(
    "A client that asks for `keep` = true needs no positions",
    "When its connection breaks, the hub keeps the subscription",
    "Events that come in the meantime wait",
    "If `kept` in WELCOME is true",
    "It states how many events and how many GAPs",
    "The hub answers SUBSCRIBED",
    "Then it sends everything that came behind",
    "The count in TAKEN goes on too",
    ("4", "`kept` | bool"),
    ("7", "`keep` | bool"),
    ("16/RESUME", "`[16, subscription, events, gaps]`"),
    ("16/RESUME", "subscription | uint"),
    ("16/RESUME", "events | uint"),
    hub="bare",
)
def a_kept_subscription_goes_on(t):
    k = Kept(t)
    t.equal(k.c.facts["kept"], False, "`kept` for a new instance")
    k.subscribe(7, t.topic("*"), 5)
    publish(t, t.topic("a"), 3)
    k.flush()
    k.c.taken(7, 2)
    k.c.flush()
    for turn in range(4):
        lost(k.c)
        publish(t, t.topic("a"), 2, 3 + 2 * turn)
        t.equal(k.connect().facts["kept"], True, "`kept`")
        k.resume(7)
        k.c.taken(7, k.events[7])
        k.flush()
    t.equal(k.payloads(7), list(range(11)), "the events over five connections")
    publish(t, t.topic("b"), 9)
    k.flush()
    t.equal(k.payloads(7)[11:], list(range(5)), "the events of a window of 5, after all others are finished")
    k.c.taken(7, k.events[7])
    k.flush()
    t.equal(k.payloads(7)[11:], list(range(9)), "the rest")


@S.check("Then it sends everything that came behind", "Until RESUME comes, the hub sends nothing", hub="bare")
def what_was_sent_and_did_not_arrive_comes_again(t):
    for had in range(6):
        k, topic = Kept(t), t.topic(str(had))
        k.subscribe(7, topic, 5)
        publish(t, topic, 8)
        k.flush()
        t.equal(k.events[7], 5, "the events on their way")
        k.c.taken(7, min(had, 2))
        k.c.flush()
        more = 5 + min(had, 2)
        lost(k.c)
        k.connect().nothing()
        publish(t, topic, 1, 8)
        k.c.nothing()
        k.got[7] = []
        k.resume(7, events=had)
        t.equal(k.payloads(7)[: more - had], list(range(had, more)), f"what comes again behind {had} events")
        k.c.taken(7, more)
        k.flush()
        t.equal(k.payloads(7), list(range(had, 9)), f"everything behind {had} events")


@S.check("An event or a GAP counts for each subscription", "RUNs without events do not count",
         ("16/RESUME", "gaps | uint"), hub="small")  # fmt: skip
def events_and_gaps_count_for_each_subscription(t):
    publish(t, t.topic("old"), 1)
    k = Kept(t)
    k.subscribe(1, t.topic("*"), 50, positions=True, overflow="drop-oldest")
    k.subscribe(2, t.topic("**"), 50, overflow="drop-newest")
    publish(t, t.topic("a"), 3)
    k.flush()
    lost(k.c)
    p = t.open(receipts=True)
    for n in range(40):
        p.event(t.topic("a"), [3 + n, b"z" * 10_000])
        p.until_receipt(n + 1)
    k.connect()
    for number in (1, 2):
        k.resume(number)
    for _ in range(40):
        for number in (1, 2):
            k.c.taken(number, k.events[number])
        k.flush()
    for number in (1, 2):
        seen = k.got[number]
        t.true(any(isinstance(d, Gap) for d in seen), f"subscription {number} lost nothing")
        spans = [(d.first, d.last) if isinstance(d, Gap) else (d.number, d.number) for d in seen]
        found = sorted(n for first, last in spans for n in range(first, last + 1))
        t.equal(found, list(range(1, 44)), f"the events and gaps of subscription {number}")
    lost(k.c)
    k.connect()
    for number in (1, 2):
        k.resume(number)  # with the gaps that came
    publish(t, t.topic("a"), 1, 99)
    k.flush()
    t.equal([k.payloads(number)[-1] for number in (1, 2)], [99, 99], "the events behind the gaps")


@S.check("If the policy is `block`, publishers wait", hub="small")
def publishers_wait_for_a_kept_subscription(t):
    k, p, many = Kept(t), t.open(receipts=True), 600
    k.subscribe(7, t.topic(), 2, overflow="block")
    lost(k.c)
    rest = p.push(b"".join(framed([EVENT, t.topic(), [n, b"z" * 15_000]]) for n in range(many)), still=0.1)
    t.true(rest, "the hub read all events, although no listener has room for them")
    k.connect()
    k.resume(7)
    while k.events[7] < many:
        rest = p.push(rest, still=0) if rest else rest
        k.c.taken(7, k.events[7])
        k.flush()
    t.equal([d.payload[0] for d in k.got[7]], list(range(many)), "the events")


@S.check(
    "The hub keeps the subscription if the stream ends without CLOSE",
    "After a half-close, and after the last three",
    "It keeps no subscription after a CLOSE of the client",
    hub="bare",
)
def what_is_kept_depends_on_the_end(t):
    for how, kept in (("reset", True), ("half-close", True), ("replaced", True), ("goodbye", False), ("error", False)):
        for policy in ("drop-oldest", "block"):
            k, topic = Kept(t), t.topic(f"{how}.{policy}")
            k.subscribe(7, topic, overflow=policy)
            if how == "reset":
                lost(k.c)
            elif how == "half-close":
                k.c.half_close()
                k.c.expect_close("normal")
            elif how == "goodbye":
                k.c.send(CLOSE, 200, "done", None)
                k.c.expect_close("normal")
            elif how == "error":
                k.c.send_bytes(bytes(4))
                k.c.expect_close("protocol_error")
            due = kept and not (how == "half-close" and policy == "block")
            t.equal(k.connect().facts["kept"], due, f"`kept` after {how} with {policy}")
            if due:
                publish(t, topic, 1)
                k.resume(7)
                t.equal(k.payloads(7), [0], "the event that came in the meantime")
            else:
                k.c.send(RESUME, 7, 0, 0)
                k.c.expect_refused(1, 7, "unknown_subscription")


@S.check("The hub keeps the subscription if the stream ends without CLOSE", hub="alive")
def a_silent_client_is_kept(t):
    k = Kept(t)
    k.subscribe(7, t.topic())
    k.c.answers_pings = False
    k.c.expect_close("silent")
    t.equal(k.connect().facts["kept"], True, "`kept` after `silent`")


@S.check(
    "It ends a kept subscription when it forgets the instance",
    "The hub ends a kept subscription that the client does not resume",
)
def a_kept_subscription_ends_with_its_time(t):
    t.start(resume_ms=30)

    def forgotten():
        k = Kept(t)
        k.subscribe(7, t.topic())
        lost(k.c)
        time.sleep(0.1)
        k.connect()
        return not k.c.facts["kept"]

    t.until(forgotten, "that the hub forgot a kept subscription")

    def not_resumed():
        k = Kept(t)
        k.subscribe(7, t.topic())
        lost(k.c)
        if not k.connect().facts["kept"]:
            return False  # it took too long to come back
        time.sleep(0.1)
        k.c.send(RESUME, 7, 0, 0)
        return any(f[3] == REFUSALS["unknown_subscription"] for f in k.c.flush() if f[0] == REFUSED)

    t.until(not_resumed, "that the hub ended a kept subscription that was not resumed")
    t.start(queue_bytes=65_536, max_frame_bytes=16_384)
    k = Kept(t)
    k.subscribe(7, t.topic(), overflow="disconnect")
    lost(k.c)
    publish(t, t.topic(), 40, fill=b"z" * 5_000)
    t.equal(k.connect().facts["kept"], False, "`kept` after `disconnect` would have lost an event")


@S.check(
    "A client that does not want to resume a kept subscription",
    "A client that lost its connection before SUBSCRIBED came",
    "It sends RESUME, and SUBSCRIBE if the hub answers",
    "Or it sends UNSUBSCRIBE, PING, and after the PONG",
)
def who_does_not_resume_ends_it(t):
    k = Kept(t)
    k.subscribe(7, t.topic())
    lost(k.c)
    publish(t, t.topic(), 3)
    k.connect()
    k.c.send(5, 7, t.topic(), {})
    k.c.expect_refused(1, 7, "duplicate_subscription")
    k.c.unsubscribe(7)
    k.c.nothing()
    k.subscribe(7, t.topic())
    publish(t, t.topic(), 1, 3)
    k.flush()
    t.equal(k.payloads(7), [3], "the events of the new subscription")
    for received in (True, False):  # whether the hub has got the SUBSCRIBE before the connection broke
        k, topic = Kept(t), t.topic(str(received))
        if received:
            k.c.send(5, 7, topic, {"window": [10, 1_000_000], "keep": True})
            k.c.flush()
        lost(k.c)
        publish(t, topic, 2)
        k.connect()
        k.events, k.gaps, k.got = {7: 0}, {7: 0}, {7: []}
        if received:
            k.resume(7)
            t.equal(k.payloads(7), [0, 1], "the events behind a SUBSCRIBE whose answer was lost")
        else:
            k.c.send(RESUME, 7, 0, 0)
            k.c.expect_refused(1, 7, "unknown_subscription")
            k.subscribe(7, topic)


@S.check(
    "The hub answers REFUSED with `what` = 1 and one of these",
    "`unknown_subscription` | The hub has not kept",
    "`duplicate_subscription` | The subscription is in place",
    "`malformed` | The hub cannot have sent",
    ("13", "a RESUME for a subscription that the hub has not kept"),
    ("16/RESUME", "The hub answers with SUBSCRIBED, or with REFUSED"),
    hub="bare",
)
def a_wrong_resume_is_refused(t):
    k = Kept(t)
    k.subscribe(7, t.topic())
    publish(t, t.topic(), 3)
    k.flush()
    k.c.taken(7, 2)
    k.c.send(RESUME, 7, 3, 0)
    k.c.expect_refused(1, 7, "duplicate_subscription")
    k.c.send(RESUME, 8, 0, 0)
    k.c.expect_refused(1, 8, "unknown_subscription")
    lost(k.c)
    k.connect()
    for events, gaps in ((4, 0), (2**64 - 1, 0), (3, 1), (1, 0)):
        k.c.send(RESUME, 7, events, gaps)
        k.c.expect_refused(1, 7, "malformed")
    k.c.send(RESUME, 8, 0, 0)
    k.c.expect_refused(1, 8, "unknown_subscription")
    k.resume(7)
    publish(t, t.topic(), 1, 3)
    k.flush()
    t.equal(k.payloads(7), [0, 1, 2, 3], "the events")
    other = t.open(instance=os.urandom(16))
    other.send(RESUME, 7, 0, 0)
    other.expect_refused(1, 7, "unknown_subscription")


@S.check(("7", "`keep` | bool"))
def keep_needs_a_window_and_an_instance(t):
    c = t.open(instance=os.urandom(16))
    for options, good in (
        ({"keep": True, "window": [1, 1]}, True),
        ({"keep": False}, True),
        ({"keep": True}, False),
        ({"keep": 1, "window": [1, 1]}, False),
        ({"keep": None, "window": [1, 1]}, False),
        ({"keep": True, "window": [1, 1], "group": "g"}, False),
    ):
        number = next(c.ids)
        c.send(5, number, t.topic(), options)
        c.expect(SUBSCRIBED, number) if good else c.expect_refused(1, number, "bad_option", "malformed")
    t.refuses_subscribe("bad_option", t.topic(), {"keep": True, "window": [1, 1]})


@S.check("Until RESUME comes, the subscription does not count as somebody who answers")
def a_client_that_is_away_answers_no_request(t):
    k, c = Kept(t), t.open()
    k.subscribe(7, t.topic())
    c.subscribe(c.facts["inbox"])
    c.event(t.topic(), 1, {"reply": c.facts["inbox"], "id": "x"})
    c.nothing()
    k.flush()
    lost(k.c)
    t.equal(k.connect().facts["kept"], True, "`kept`")
    c.event(t.topic(), 2, {"reply": c.facts["inbox"], "id": "x"})
    c.expect_refused(0, 1, "no_subscriber")
    k.resume(7)
    c.event(t.topic(), 3, {"reply": c.facts["inbox"], "id": "x"})
    c.nothing()
