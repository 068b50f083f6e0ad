"""Section 12: what was missed."""

import os

from suite.check import Section
from suite.client import Gap
from suite.floods import lost
from suite.frames import EVENT, GAPS, RUN

S = Section("12")


def known_position(t, topic):
    """The epoch of a topic that exists."""
    c = t.open()
    return next(f[2] for f in c.subscribe(topic, positions=True)[1])


@S.check("A subscription that the hub has not kept ends", "The client sends its SUBSCRIBE again")
def subscriptions_end_with_the_connection(t):
    instance, p = os.urandom(16), t.open()
    c = t.open(instance=instance)
    c.subscribe(t.topic())
    lost(c)
    d = t.open(instance=instance)
    p.event(t.topic(), 1)
    p.flush()
    d.nothing()
    d.subscribe(t.topic())
    p.event(t.topic(), 2)
    t.equal([x.payload for x in d.take(1)], [2], "the events behind the new SUBSCRIBE")


@S.check(
    "To miss nothing, it sends `after`",
    "Send `after` only for a subscription that was in place",
    "Otherwise the topics that `after` does not name",
    "For each topic that the filter matches",
    "is named, in the same epoch, and its history reaches back",
    "When no past event waits any more",
)
def who_comes_back_misses_nothing(t):
    p, seen = t.open(), {}
    for n in (1, 2, 3):
        p.send_all([EVENT, t.topic(str(n)), k] for k in range(10))
    p.flush()
    payloads = []
    for turn in range(6):
        c = t.open()
        options = {"after": dict(seen)} if turn else {}
        frames = c.subscribe(t.topic("*"), positions=True, **options)[1]
        p.send_all([EVENT, t.topic(str(n)), [turn, k]] for n in (1, 2, 3) for k in range(5))
        p.flush()
        frames += c.flush()
        for f in frames:
            if f[0] == RUN:
                seen[f[1]] = [f[2], f[3] + f[4] - 1]
        got = c.delivered(frames)
        t.true(not any(isinstance(d, Gap) for d in got), f"a gap came: {got}")
        payloads += [(d.topic, str(d.payload)) for d in got]
        lost(c)
        p.send_all([EVENT, t.topic(str(n)), [turn, "away", k]] for n in (1, 2, 3) for k in range(5))
        p.flush()
    c = t.open()
    payloads += [(d.topic, str(d.payload)) for d in c.delivered(c.subscribe(t.topic("*"), after=seen)[1])]
    for n in (1, 2, 3):
        mine = [payload for topic, payload in payloads if topic == t.topic(str(n))]
        due = [
            str(e) for turn in range(6) for e in [[turn, k] for k in range(5)] + [[turn, "away", k] for k in range(5)]
        ]
        t.equal(mine, due, f"the events of topic {n}")


@S.check("The number 0 means: nothing of this epoch")
def position_0_is_before_the_first_event(t):
    c = t.open()
    c.send_all([EVENT, t.topic(), n] for n in range(5))
    c.flush()
    epoch = known_position(t, t.topic())
    for number in range(6):
        d = t.open()
        got = d.delivered(d.subscribe(t.topic(), after={t.topic(): [epoch, number]})[1])
        t.equal([x.number for x in got], list(range(number + 1, 6)), f"the events behind number {number}")


@S.check(
    "is named, in the same epoch, but the history does not reach",
    "The hub's configuration says how much",
    ("14", "3 | `away`"),
)
def what_the_history_has_lost_is_a_gap(t):
    for kind, most in (("history", 19), ("bare", 1)):
        c, topic = t.open(kind), t.topic(kind)
        c.send_all([EVENT, topic, [n, b"h" * 200]] for n in range(20))
        c.flush()
        d = t.open(kind)
        before = d.subscribe(topic, positions=True)[1]
        epoch = before[0][2]
        number, seen = d.subscribe(topic, after={topic: [epoch, 3]})
        got = d.delivered(seen)
        gap, events = got[0], got[1:]
        t.true(isinstance(gap, Gap), f"the first is {gap}")
        t.equal((gap.epoch, gap.first, gap.reason, gap.subscriptions), (epoch, 4, GAPS["away"], [number]), "the gap")
        t.equal([x.number for x in events], list(range(gap.last + 1, 21)), "the events behind the gap")
        t.true(1 <= len(events) <= most, f"{len(events)} events came out of the history")


@S.check("is named, but has another epoch now", ("14", "4 | `new_epoch`"))
def another_epoch_is_a_gap_without_end(t):
    for kind, lost_some in (("plain", False), ("bare", True)):
        if kind == "bare" and not t.hubs.binary:
            continue
        c, topic = t.open(kind), t.topic(kind)
        c.send_all([EVENT, topic, n] for n in range(5))
        c.flush()
        d = t.open(kind)
        epoch = d.subscribe(topic, positions=True)[1][0][2]
        number, seen = d.subscribe(topic, after={topic: [epoch + 1, 3]})
        got = d.delivered(seen)
        t.equal(got[0], Gap(topic, epoch + 1, 4, None, GAPS["new_epoch"], [number]), "the gap of the old epoch")
        if lost_some:
            t.equal(got[1], Gap(topic, epoch, 1, 4, GAPS["away"], [number]), "the gap of the new epoch")
        t.equal([x.number for x in got[2 if lost_some else 1 :]], [5] if lost_some else [1, 2, 3, 4, 5], "the events")


@S.check("is named, in the same epoch, but with a number that the topic has not reached")
def a_position_that_was_not_reached_is_of_another_topic(t):
    c = t.open()
    c.send_all([EVENT, t.topic(), n] for n in range(5))
    c.flush()
    epoch = known_position(t, t.topic())
    for number in (6, 7, 2**64 - 1):
        d = t.open()
        own, seen = d.subscribe(t.topic(), after={t.topic(): [epoch, number]})
        got = d.delivered(seen)
        from_ = min(number + 1, 2**64 - 1)
        t.equal(got[0], Gap(t.topic(), epoch, from_, None, GAPS["new_epoch"], [own]), f"the gap behind {number}")
        t.equal([x.number for x in got[1:]], [1, 2, 3, 4, 5], "the events")


@S.check("is not named | everything")
def a_topic_that_is_not_named_comes_from_its_beginning(t):
    c = t.open()
    c.send_all([EVENT, t.topic(), n] for n in range(5))
    c.flush()
    got = c.delivered(c.subscribe(t.topic("*"), after={t.topic("other"): [1, 1]})[1])
    t.equal([d.number for d in got], [1, 2, 3, 4, 5], "the events")
    if not t.hubs.binary:
        return
    d = t.open("bare")
    d.send_all([EVENT, t.topic("bare"), n] for n in range(5))
    d.flush()
    got = d.delivered(d.subscribe(t.topic("bare"), after={})[1])
    t.equal((got[0].first, got[0].last, got[0].reason, got[1].number), (1, 4, GAPS["away"], 5), "gap and event")


@S.check("does not exist any more")
def a_topic_that_is_gone_gives_nothing_now(t):
    c = t.open()
    number, before = c.subscribe(t.topic(), after={t.topic(): [77, 5]})
    t.equal(before, [], "the frames before SUBSCRIBED")
    c.event(t.topic(), 1)
    got = c.take(1)[0]
    t.true((got.epoch != 77, got.number) == (True, 1), f"the first event of the topic is {got[:3]}")


@S.check("A member of a queue group cannot come back", "Events that were sent to a member without a window")
def a_member_of_a_group_does_not_come_back(t):
    t.refuses_subscribe("bad_option", t.topic(), {"group": "g", "after": {t.topic(): [1, 1]}})
    first, p = t.subscriber(t.topic(), group="g"), t.open()
    p.event(t.topic(), 1)
    t.equal(len(first.take(1)), 1, "the event of the first member")
    lost(first)
    second = t.subscriber(t.topic(), group="g")
    p.event(t.topic(), 2)
    t.equal([d.payload for d in second.take(1)], [2], "the events of the second member")
