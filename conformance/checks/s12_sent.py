"""Section 12: what was sent."""

import os
import time

from suite import msgpack as mp
from suite.check import Section
from suite.floods import BIG, MANY, asleep, fill, framed, lost
from suite.frames import EVENT, RECEIPT, REFUSED

S = Section("12")


@S.check(
    "A client that lost its connection opens a new one",
    "It sends the same `instance` again",
    "`resumed` in WELCOME says",
)
def an_instance_resumes(t):
    instance, s = os.urandom(16), t.subscriber(t.topic())
    for turn in range(5):
        c = t.open(instance=instance, receipts=True, receipted=turn * 10)
        t.equal((c.facts["resumed"], c.facts["received"]), (turn > 0, turn * 10), "`resumed` and `received`")
        c.send_all([EVENT, t.topic(), turn * 10 + n] for n in range(10))
        c.until_receipt(turn * 10 + 10)
        lost(c)
    t.equal([d.payload for d in s.take(50)], list(range(50)), "the events")


@S.check(
    "If the old connection is still open at the hub",
    "So two programs must never share an instance id",
    ("14", "206 | `replaced`"),
)
def a_new_connection_replaces_the_old_one(t):
    instance = os.urandom(16)
    c = t.open(instance=instance)
    c.event(t.topic(), 1)
    d = t.open(instance=instance)
    t.equal(d.facts["resumed"], True, "`resumed`")
    t.equal(c.expect_close("replaced")[1], 206, "the code")
    d.nothing()
    t.open(instance=os.urandom(16)).nothing()


@S.check(
    "`resumed` is true",
    "The hub has handled all events with publish numbers",
    "Send the remaining events again",
    "The first of them has the publish number",
    "So each event is published once",
    "Keep each EVENT until a RECEIPT covers it",
)
def events_are_published_once(t):
    s, instance, many = t.subscriber(t.topic(), overflow="block"), os.urandom(16), 400
    received, turn = 0, 0
    bodies = [mp.pack([EVENT, t.topic(), n]) for n in range(many)]
    while received < many:
        turn += 1
        c = t.open(instance=instance, receipts=True, receipted=0)
        received = c.facts["received"]
        rest = b"".join(len(body).to_bytes(4, "big") + body for body in bodies[received:])
        c.send_bytes(rest[: 37 * turn])  # cut somewhere inside of a frame
        if turn % 2:
            c.half_close()  # so that the hub reads all of it
            while c.read():
                pass
        lost(c)
    t.equal([d.payload for d in s.take(many)], list(range(many)), "the events")
    s.nothing(EVENT)


@S.check(
    "Directly after WELCOME, the hub repeats the refusals",
    "is a number up to `received`",
    "So a REFUSED may come for a second time",
    "Until that RECEIPT comes",
)
def refusals_are_repeated_and_a_receipt_follows(t):
    instance = os.urandom(16)
    c = t.open(instance=instance, receipts=True)
    for n in range(12):
        c.event(t.topic() if n % 3 else "a b", n)
    c.until_receipt(12)
    lost(c)
    for receipted, due in ((0, [0, 3, 6, 9]), (4, [6, 9]), (9, [9]), (10, [])):
        d = t.open(instance=instance, receipts=True, receipted=receipted)
        t.equal(d.facts["received"], 12, "`received`")
        seen = d.until_receipt(12)
        t.equal([f[2] for f in seen if f[0] == REFUSED], due, f"the refusals from {receipted} on")
        t.equal(seen[-1][:2], [RECEIPT, 12], "what follows the refusals")
        lost(d)


@S.check("Directly after WELCOME, the hub repeats the refusals")
def a_receipt_follows_even_if_nothing_is_open(t):
    instance = os.urandom(16)
    c = t.open(instance=instance, receipts=True)
    c.event(t.topic(), 1)
    c.until_receipt(1)
    lost(c)
    d = t.open(instance=instance, receipts=True, receipted=1)
    before = d.flush()
    t.equal([f[:2] for f in before], [[RECEIPT, 1]], "what comes after WELCOME")


@S.check(
    "`resumed` is false",
    "The hub does not know this instance any more",
    "There are five reasons",
    "`received` is 0, and counting starts again",
    ("4", "`resumed` | bool"),
)
def who_is_forgotten_begins_anew(t):
    t.start(resume_ms=20)
    instance = os.urandom(16)

    def forgotten():
        c = t.open(instance=instance)
        resumed, received = c.facts["resumed"], c.facts["received"]
        t.equal(resumed, received > 0, "`resumed`, with `received` above 0")
        c.event(t.topic(), 1)
        c.flush()
        lost(c)
        time.sleep(0.1)
        return not resumed

    forgotten()
    t.until(forgotten, "that the hub forgot a client that was away")
    t.start()
    t.equal(t.open(instance=instance).facts["resumed"], False, "`resumed` at another hub")


@S.check("There are five reasons", "No REFUSED is repeated")
def too_many_refusals_end_what_can_be_resumed(t):
    instance = os.urandom(16)
    c = t.open(instance=instance, receipts=True)
    c.send_all([EVENT, "a b", n] for n in range(3000))
    c.until_receipt(3000)
    lost(c)
    d = t.open(instance=instance, receipts=True, receipted=0)
    if d.facts["resumed"]:  # then the hub has to know all of them
        t.equal(len([f for f in d.flush() if f[0] == REFUSED]), 3000, "the refusals that are repeated")
    else:
        t.equal(d.facts["received"], 0, "`received`")
        d.nothing()


@S.check("is greater than the number of events", "is left out, or nil", "A client without `receipts` = true gets")
def receipted_says_from_where_on(t):
    for options, resumed, due in (
        ({"receipts": True, "receipted": 6}, True, []),
        ({"receipts": True, "receipted": 7}, False, None),
        ({"receipts": True, "receipted": 2**64 - 1}, False, None),
        ({"receipts": True}, True, [0, 3]),
        ({"receipts": True, "receipted": None}, True, [0, 3]),
        ({"receipted": 1}, True, [3]),
        ({"receipts": False}, True, [0, 3]),
    ):
        instance = os.urandom(16)
        c = t.open(instance=instance, receipts=True)
        for n in range(6):
            c.event(t.topic() if n % 3 else "a b", n)
        c.until_receipt(6)
        lost(c)
        d = t.open(instance=instance, **options)
        t.equal((d.facts["resumed"], d.facts["received"]), (resumed, 6 * resumed), f"the facts with {options}")
        seen = [f[: 3 if f[0] == REFUSED else 2] for f in d.flush()]
        receipt = [[RECEIPT, 6]] if options.get("receipts") and resumed else []
        t.equal(seen, [[REFUSED, 0, n] for n in due or ()] + receipt, f"what follows WELCOME with {options}")


@S.check("It is unknown whether the events without a RECEIPT", "The client decides")
def who_is_not_resumed_may_send_again(t):
    t.start(resume_ms=0)
    instance, s = os.urandom(16), t.subscriber(t.topic())
    for turn in range(2):
        c = t.open(instance=instance, receipts=True, receipted=0)
        t.equal((c.facts["resumed"], c.facts["received"]), (False, 0), "`resumed` and `received`")
        c.event(t.topic(), "again")
        c.flush()
        lost(c)
        time.sleep(0.05)
    t.equal([d.payload for d in s.take(2)], ["again", "again"], "an event that was sent again")


@S.check(
    "Some of the events from `received` on may be published already",
    "The hub knows which events these are",
    hub="small",
)
def events_behind_a_waiting_one_come_once(t):
    full, free = t.topic("full"), t.topic("free")
    stuck = asleep(t, full, overflow="block")
    s, instance = t.subscriber(free, overflow="block"), os.urandom(16)
    c = t.open(instance=instance)
    frames = [framed([EVENT, full if n % 2 else free, [n, BIG if n % 2 else b""]]) for n in range(2 * MANY)]
    many, _ = fill(t, c, frames)
    lost(c)
    d = t.open(instance=instance)
    rest = b"".join(frames[d.facts["received"] : many])
    got = []
    while len(got) < many // 2:
        rest = d.push(rest, still=0) if rest else rest
        got += stuck.take(1)
    s.take(0)
    d.flush()
    t.equal([x.payload[0] for x in got], list(range(1, many, 2)), "the events of the topic that was full")
    t.equal([x.payload[0] for x in s.delivered(s.flush())], list(range(0, many, 2)), "the events of the other topic")
