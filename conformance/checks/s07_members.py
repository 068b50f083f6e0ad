"""Section 7: members of a queue group that have windows."""

from suite.check import Section
from suite.client import Gap
from suite.floods import accounted
from suite.frames import CLOSE, GAP, GAPS, RUN
from suite.windows import numbers, publish

S = Section("7")


@S.check("So do the events that were on their way to a member with a window")
def what_a_member_had_not_finished_goes_to_others(t):
    for leave in ("unsubscribe", "goodbye", "half-close", "reset"):
        topic, many = t.topic(leave), 20
        first, second = t.open(), t.open()
        number, _ = first.subscribe(topic, group="g", window=[many, 1_000_000])
        publish(t, topic, many)
        t.equal(numbers(first), list(range(1, many + 1)), "the events of the only member")
        second.subscribe(topic, group="g", window=[1_000, 1_000_000])
        first.taken(number, 7)
        first.flush()
        if leave == "unsubscribe":
            first.unsubscribe(number)
            first.nothing()
        elif leave == "goodbye":
            first.send(CLOSE, 200, "done", None)
            first.expect_close("normal")
        elif leave == "half-close":
            first.half_close()
            first.expect_close("normal")
        else:
            first.reset()
        got = second.take(many - 7)
        t.equal([d.payload for d in got], list(range(7, many)), f"what the other member gets after {leave}")
        second.nothing(RUN, GAP)


@S.check("While no member has room, events wait in the group", "Each event of a topic then goes to one member")
def work_goes_to_who_has_room(t):
    slow, quick, p = t.open(), t.open(), t.open()
    held, _ = slow.subscribe(t.topic(), group="g", window=[1, 1_000_000])
    number, _ = quick.subscribe(t.topic(), group="g", window=[5, 1_000_000])
    done = []
    for n in range(50):
        p.event(t.topic(), n)
        p.flush()
        done += quick.delivered(quick.flush())
        quick.taken(number, len(done))
    rest = slow.delivered(slow.flush())
    t.true(len(rest) <= 1, f"the member that takes nothing got {len(rest)} events")
    t.equal(sorted(d.payload for d in done + rest), list(range(50)), "the events of both")
    publish(t, t.topic(), 20, 50)
    t.equal(len(numbers(quick)), 5, "the events that a window of 5 has room for, while the other member is full")
    slow.taken(held, 1)
    t.equal(len(numbers(slow)), 1, "the event that waited for a member with room")


@S.check("They wait there as events wait in a queue", hub="small")
def what_a_group_has_no_room_for_is_told(t):
    for policies, newest in ((("drop-newest", "drop-oldest"), True), (("drop-newest",) * 2, False)):
        topic, members = t.topic(policies[1]), [t.open() for _ in policies]
        ids = [c.subscribe(topic, group="g", window=[1, 1], overflow=p)[0] for c, p in zip(members, policies)]
        many, p, got = 60, t.open(receipts=True), [[], []]
        for n in range(many):
            p.event(topic, [n, b"z" * 5_000])
            p.until_receipt(n + 1)
        before = -1
        while before < sum(map(len, got)):
            before = sum(map(len, got))
            for c, number, mine in zip(members, ids, got):
                mine += c.delivered(c.flush())
                c.taken(number, sum(not isinstance(d, Gap) for d in mine))
        every = got[0] + got[1]
        accounted(t, every, many)
        t.equal({d.reason for d in every if isinstance(d, Gap)}, {GAPS["overflow"]}, "the reasons of the gaps")
        last = any(d.number == many for d in every)
        t.equal(last, newest, f"whether the newest event came with {policies}")


@S.check("There, `block` and `disconnect` count as `drop-newest`", "Events that come in that time", hub="small")
def a_group_without_members_drops_the_newest(t):
    for policy in ("block", "disconnect"):
        topic, first, many = t.topic(policy), t.open(), 60
        own, _ = first.subscribe(topic, group="g", window=[5, 1_000_000], overflow=policy)
        publish(t, topic, 1)
        t.equal(numbers(first), [1], "the event of the first member")
        first.taken(own, 1)
        first.send(CLOSE, 200, "done", None)
        first.expect_close("normal")
        p = t.open(receipts=True)
        for n in range(1, many):
            p.event(topic, [n, b"z" * 5_000])
            p.until_receipt(n)
        second = t.open()
        number, before = second.subscribe(topic, group="g", window=[many, 1_000_000])
        got = second.delivered(before + second.flush())
        more = got
        while more:
            second.taken(number, sum(not isinstance(d, Gap) for d in got))
            more = second.delivered(second.flush())
            got += more
        accounted(t, got, many, first=2)
        t.true(isinstance(got[-1], Gap) and got[0].number == 2, f"with {policy}, the newest events were not dropped")


@S.check("A request to a topic whose groups have no members")
def a_group_without_members_answers_nobody(t):
    service, c = t.open(), t.open()
    service.subscribe(t.topic(), group="g", window=[5, 1_000_000])
    c.subscribe(c.facts["inbox"])
    c.event(t.topic(), 1, {"reply": c.facts["inbox"], "id": "x"})
    c.nothing()
    service.send(CLOSE, 200, "done", None)
    service.expect_close("normal")
    c.event(t.topic(), 2, {"reply": c.facts["inbox"], "id": "x"})
    c.expect_refused(0, 1, "no_subscriber")
