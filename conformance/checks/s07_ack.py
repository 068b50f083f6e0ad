"""Section 7: acknowledgement."""

import os
import time

from suite.check import Section
from suite.client import Gap
from suite.floods import lost
from suite.frames import ACK, CLOSE, EVENT, GAPS, RESUME, RUN, SUBSCRIBE, SUBSCRIBED
from suite.hubs import PASSWORD
from suite.windows import publish

S = Section("7")
DONE, FAILED, REJECTED, WORKING = range(4)
TERMS = {"timeout_ms": 600_000, "attempts": 5, "backoff_ms": 0, "dead_letter": None, "ordered": False}


class Worker:
    """A subscription that acknowledges."""

    def __init__(self, t, topic, window=100, group=None, **terms):
        self.t, self.c = t, t.open()
        options = {"group": group} if group else {}
        self.got = []  # (payload, attempt) of each delivery, in their order
        self.number, before = self.c.subscribe(topic, window=[window, 1_000_000], ack=TERMS | terms, **options)
        self.seen(before)

    def seen(self, frames):
        for frame in frames:
            if frame[0] == RUN:
                self.attempt = frame[8] if len(frame) > 8 else 1
            if frame[0] == EVENT:
                self.got.append((frame[2], self.attempt))
        return frames

    def flush(self):
        return self.seen(self.c.flush())

    def wait(self, many):
        """Reads until so many deliveries have come."""
        while len(self.got) < many:
            self.seen([self.c.read()])
        return self.got

    def ack(self, first, last, outcome, reason=None):
        self.c.send(ACK, self.number, first, last, outcome, reason)


@S.check(
    "A subscription with the option `ack` states",
    "An event is finished only when an ACK says so",
    "Events on which the client has failed come again",
    "An ACK names deliveries",
    "The k-th event that the hub has sent for the subscription since its SUBSCRIBE",
    "An event that comes again is a new delivery",
    "The outcome of an ACK is one of these",
    "0 | done",
    "1 | failed",
    "RUN states its `attempt`",
    "An event that comes again is older",
    "If an ACK names such deliveries",
    ("8", "For each subscription alone"),
    ("13", "an ACK of deliveries that the client does not hold"),
    ("14", "21 | `not_held`"),
    ("14", "4 | an ACK"),
    ("16/RUN", "attempt | uint"),
    ("16/ACK", "`[15, subscription, first, last, outcome, reason or nil]`"),
    ("16/ACK", "subscription | uint"),
    ("16/ACK", "first | uint"),
    ("16/ACK", "last | uint"),
    ("16/ACK", "outcome | uint"),
    ("16/ACK", "It is not answered, unless"),
)
def done_ends_an_event_and_failed_gives_it_again(t):
    for group in (None, "g"):
        topic = t.topic(str(group))
        w = Worker(t, topic, group=group)
        publish(t, topic, 5)
        w.flush()
        t.equal(w.got, [(n, 1) for n in range(5)], "the first attempts")
        w.ack(2, 2, FAILED, "no such order")
        w.ack(4, 4, FAILED)
        w.ack(1, 1, DONE)
        t.equal(sorted(w.wait(7)[5:]), [(1, 2), (3, 2)], "what is given again, with its attempt")
        w.ack(3, 3, DONE)
        w.ack(5, 7, DONE)
        w.flush()
        t.equal(len(w.got), 7, "the deliveries, when all are done")
        w.ack(1, 1, DONE)
        w.c.expect_refused(4, w.number, "not_held")


@S.check("An event that is not acknowledged in time has failed", "Who does not hold a delivery any more", "`timeout_ms` | uint")
def what_is_not_acknowledged_in_time_comes_again(t):
    w = Worker(t, t.topic(), timeout_ms=50)
    publish(t, t.topic(), 1)
    t.equal(w.wait(2), [(0, 1), (0, 2)], "the attempts")
    w.ack(1, 1, DONE)
    w.c.expect_refused(4, w.number, "not_held")


@S.check("3 | working")
def who_works_gets_more_time(t):
    w = Worker(t, t.topic(), timeout_ms=1500)
    publish(t, t.topic(), 2)
    w.flush()
    while len(w.got) < 3:
        w.ack(1, 1, WORKING)
        w.flush()
        time.sleep(0.02)
    t.equal(w.got[2], (1, 2), "what comes again: the event whose handler did not say that it works")
    w.ack(1, 1, DONE)
    w.c.nothing()


@S.check("`backoff_ms` | uint")
def a_failed_event_waits_for_its_backoff(t):
    w = Worker(t, t.topic(), backoff_ms=200)
    publish(t, t.topic(), 1)
    times = []
    for attempt in range(1, 4):
        w.wait(attempt)
        times.append(time.monotonic())
        w.ack(attempt, attempt, FAILED)
    t.true(times[1] - times[0] >= 0.19, f"the second attempt came after {times[1] - times[0]:.3f} s")
    t.true(times[2] - times[1] >= 0.38, f"the third attempt came after {times[2] - times[1]:.3f} s")


@S.check(
    "After the last attempt, the hub gives an event up",
    "It publishes the event to the topic `dead_letter`",
    "The headers stay, without `reply`",
    "In a queue group, `$dead.group` states",
    "`attempts` | uint",
    "`dead_letter` | str or nil",
    ("16/ACK", "reason | str or nil"),
)
def after_the_last_attempt_an_event_is_a_dead_letter(t):
    dead = t.subscriber(t.topic("dead"))
    w = Worker(t, t.topic("jobs"), group="workers", attempts=3, dead_letter=t.topic("dead"))
    t.open().event(t.topic("jobs"), {"n": 7}, {"id": "seven", "mine": [1]})
    for attempt in range(1, 4):
        t.equal(w.wait(attempt)[-1], ({"n": 7}, attempt), "the attempt")
        w.ack(attempt, attempt, FAILED, "no such order")
    letter = dead.take(1)[0]
    t.equal(letter.payload, {"n": 7}, "the payload of the dead letter")
    due = {
        "id": "seven", "mine": [1], "$dead.topic": t.topic("jobs"), "$dead.number": 1, "$dead.attempts": 3,
        "$dead.reason": "no such order", "$dead.group": "workers",
    }  # fmt: skip
    got = {key: letter.headers.get(key) for key in due}
    t.equal(got, due, "the headers of the dead letter")
    t.true(isinstance(letter.headers.get("$dead.epoch"), int) or "$dead.epoch" not in letter.headers, "the epoch")
    w.c.nothing()


@S.check("2 | rejected", "Without `dead_letter`, the subscription gets a GAP", ("14", "5 | `given_up`"))
def a_rejected_event_is_given_up_at_once(t):
    w = Worker(t, t.topic())
    publish(t, t.topic(), 3)
    w.flush()
    w.ack(2, 2, REJECTED, "never")
    frame = w.c.read()
    gaps = [d for d in w.c.delivered([frame]) if isinstance(d, Gap)]
    t.equal([(g.first, g.last, g.reason) for g in gaps], [(2, 2, GAPS["given_up"])], "the gap")
    dead = t.subscriber(t.topic("dead"))
    d = Worker(t, t.topic("d"), dead_letter=t.topic("dead"))
    publish(t, t.topic("d"), 1)
    d.flush()
    d.ack(1, 1, REJECTED, "never")
    t.equal(dead.take(1)[0].headers.get("$dead.attempts"), 1, "the attempts of a rejected event")
    d.c.nothing()


@S.check("If a member leaves, the events that wait for it go", "So do the events that were on their way", "An event that has failed goes to the same", "In a queue group, an attempt also counts")
def what_a_member_holds_goes_to_the_others(t):
    first = Worker(t, t.topic(), group="g")
    publish(t, t.topic(), 3)
    first.flush()
    first.ack(1, 1, DONE)
    first.c.flush()
    second = Worker(t, t.topic(), group="g")
    lost(first.c)
    t.equal(sorted(second.wait(2)), [(1, 2), (2, 2)], "what the other member gets, with its attempt")


@S.check("A group that has lost its last member keeps its place", "Events that come in that time")
def a_group_without_members_keeps_its_events(t):
    first = Worker(t, t.topic(), group="g")
    publish(t, t.topic(), 3)
    first.flush()
    first.ack(1, 1, DONE)
    first.c.send(CLOSE, 200, "done", None)
    first.c.expect_close("normal")
    publish(t, t.topic(), 2, 3)
    second = Worker(t, t.topic(), group="g")
    t.equal(sorted(second.wait(4)), [(1, 2), (2, 2), (3, 1), (4, 1)], "what the next member gets")


@S.check("`ordered` | bool", "With `ordered`, and if all members", "Events without `key` do not wait")
def events_of_one_key_come_one_at_a_time(t):
    w, c = Worker(t, t.topic(), group="g", ordered=True), t.open()
    for n in range(6):
        c.event(t.topic(), n, {"key": "ab"[n % 2]})
    c.event(t.topic(), 100)
    c.flush()
    w.flush()
    t.equal(sorted(w.got), [(0, 1), (1, 1), (100, 1)], "the first event of each key, and the one without a key")
    w.ack(1 + w.got.index((100, 1)), 1 + w.got.index((100, 1)), DONE)
    first = w.got.index((0, 1)) + 1
    w.ack(first, first, FAILED)
    t.equal(w.wait(4)[3], (0, 2), "the failed event comes before the next one of its key")
    settled = {first, w.got.index((100, 1)) + 1}
    while len(w.got) < 8:
        for delivery in set(range(1, len(w.got) + 1)) - settled:
            w.ack(delivery, delivery, DONE)
            settled.add(delivery)
        w.seen([w.c.read()])
    order = [n for n, _ in w.got if n != 100]
    for key in (0, 1):
        t.equal([n for n in dict.fromkeys(order) if n % 2 == key], [key, key + 2, key + 4], "the order of a key")


@S.check(("13", "an ACK whose `first` is 0"), ("13", "a malformed PING, PONG, CLOSE, TAKEN, ACK or RESUME"))
def a_wrong_ack_ends_the_connection(t):
    for first, last in ((0, 1), (2, 1), (1, 9)):
        w = Worker(t, t.topic(f"{first}.{last}"))
        publish(t, t.topic(f"{first}.{last}"), 3)
        w.flush()
        w.ack(first, last, DONE)
        w.c.expect_close("protocol_error")


@S.check(
    "The option is a map",
    "`ack` | map",
    ("13", "a SUBSCRIBE with an `ack` whose `dead_letter` is no topic"),
)
def terms_are_checked(t):
    for good in ({}, {"timeout_ms": 1}, {"attempts": 1}, {"attempts": 2**32 - 1}, {"backoff_ms": 0}, {"dead_letter": "a.b"}):
        t.subscriber(t.topic(), window=[1, 1], ack=good)
    t.subscriber(t.topic(), window=[1, 1], group="g", ack={"ordered": True, "dead_letter": None})
    for bad in (
        7, None, [], "x", {"x": 1}, {"timeout_ms": 0}, {"timeout_ms": -1}, {"attempts": 0}, {"attempts": 2**32},
        {"attempts": 1.0}, {"backoff_ms": "1"}, {"dead_letter": 7}, {"dead_letter": "a b"}, {"dead_letter": "a.*"},
        {"dead_letter": "$a"}, {"dead_letter": "$inbox.a"}, {"ordered": 1}, {"ordered": True},
    ):  # fmt: skip
        t.refuses_subscribe(["bad_option", "malformed"], t.topic(), {"window": [1, 1], "ack": bad})
    t.refuses_subscribe("bad_option", t.topic(), {"ack": {}})


@S.check(("13", "a SUBSCRIBE with an `ack` whose `dead_letter` is a topic to which"), hub="access")
def a_dead_letter_needs_a_right(t):
    c = t.open(credentials={"user": "guest", "password": PASSWORD})
    c.send(SUBSCRIBE, 7, t.topic("x"), {"window": [1, 1], "ack": {"dead_letter": t.topic("denied")}})
    c.expect_refused(1, 7, "forbidden")
    c.send(SUBSCRIBE, 7, t.topic("x"), {"window": [1, 1], "ack": {"dead_letter": t.topic("dead")}})
    c.expect(SUBSCRIBED, 7)


@S.check("The window counts the deliveries that are not settled", "In the TAKEN of such a subscription")
def the_window_counts_what_is_not_settled(t):
    w = Worker(t, t.topic(), window=2)
    publish(t, t.topic(), 6)
    w.flush()
    t.equal(len(w.got), 2, "the deliveries that a window of 2 has room for")
    w.c.taken(w.number, 2)
    w.c.taken(w.number, 99)
    w.flush()
    t.equal(len(w.got), 2, "the deliveries behind a TAKEN")
    w.ack(2, 2, DONE)
    w.wait(3)
    w.c.taken(w.number, 0, 5, None)
    w.flush()
    t.equal(len(w.got), 6, "the deliveries behind a new window of 5, with one that is done")


@S.check("Deliveries belong to their connection")
def deliveries_go_on_with_keep(t):
    instance, first = os.urandom(16), t.open()
    c = t.open(instance=instance)
    c.send(SUBSCRIBE, 7, t.topic(), {"window": [10, 100_000], "keep": True, "ack": TERMS})
    c.expect(SUBSCRIBED, 7)
    publish(t, t.topic(), 3)
    t.equal(len(c.take(3)), 3, "the events")
    c.send(ACK, 7, 1, 1, DONE, None)
    c.flush()
    lost(c)
    d = t.open(instance=instance)
    d.send(RESUME, 7, 3, 0)
    d.expect(SUBSCRIBED, 7)
    d.send(ACK, 7, 2, 3, DONE, None)
    d.nothing()
    d.send(ACK, 7, 1, 3, DONE, None)
    d.expect_refused(4, 7, "not_held")
    first.flush()


@S.check(("13", "an ACK for a subscription that does not exist"))
def an_ack_for_nothing_means_nothing(t):
    c = t.open()
    number, _ = c.subscribe(t.topic(), window=[5, 5])
    publish(t, t.topic(), 1)
    c.flush()
    for subscription in (number, 77):
        c.send(ACK, subscription, 1, 1, DONE, None)
        c.send(ACK, subscription, 1, 99, FAILED, "x")
    c.nothing()
