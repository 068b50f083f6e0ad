"""Section 7: queue groups."""

from suite.check import Section
from suite.client import Gap
from suite.floods import BIG, MANY, asleep, fill, flood, framed
from suite.frames import CLOSE, EVENT, GAP, GAPS, UNSUBSCRIBE

S = Section("7")


@S.check(
    "Several subscriptions, usually of several",
    "Each event of a topic then goes to one member",
    "A member gets only its share",
)
def a_group_shares_the_events(t):
    members = [t.subscriber(t.topic(), group="g") for _ in range(3)]
    members[0].subscribe(t.topic(), group="g")  # two members on one connection
    other, plain, p, many = t.subscriber(t.topic(), group="h"), t.subscriber(t.topic()), t.open(), 300
    for first in range(0, many, 10):
        p.send_all([EVENT, t.topic(), n] for n in range(first, first + 10))
        p.flush()
    seen = [frame for c in members for frame in c.flush()]
    t.true(all(frame[0] != GAP for frame in seen), "a share was announced as a GAP")
    got = members[0].delivered(seen)
    t.equal(sorted(d.payload for d in got), list(range(many)), "the events of all members together")
    t.true(all(len(d.subscriptions) == 1 for d in got), "a RUN names two members of one group")
    t.equal([d.payload for d in other.delivered(other.flush())], list(range(many)), "the events of another group")
    t.equal(
        [d.payload for d in plain.delivered(plain.flush())], list(range(many)), "the events of a plain subscription"
    )


@S.check("If no member of a group has a window", hub="small")
def a_full_member_is_skipped(t):
    stuck, member, many = (
        asleep(t, t.topic(), group="g", overflow="block"),
        t.subscriber(t.topic(), group="g", overflow="block"),
        600,
    )
    p, taken = t.open(receipts=True), []
    for n in range(many):
        p.event(t.topic(), [n, BIG])
        p.until_receipt(n + 1)
        taken += member.delivered(member.flush())
    rest = stuck.delivered(stuck.flush())
    t.true(not any(isinstance(d, Gap) for d in taken + rest), "an event of the group is missing")
    t.equal(sorted(d.payload[0] for d in taken + rest), list(range(many)), "the events of both members")
    t.true(len(taken) > many / 2, f"the member that reads got {len(taken)} of {many} events")


@S.check("If a member leaves, the events that wait for it", "Events that were sent to a member without a window", hub="small")
def what_a_leaving_member_was_not_sent_goes_to_others(t):
    for leave in ("unsubscribe", "goodbye", "reset"):
        topic = t.topic(leave)
        stuck, p, member = asleep(t, topic, group="g", overflow="block"), t.open(), t.open()
        many, rest = fill(t, p, [framed([EVENT, topic, [n, BIG]]) for n in range(MANY)])
        had = member.delivered(member.subscribe(topic, group="g", overflow="block")[1])
        if leave == "unsubscribe":
            stuck.send(UNSUBSCRIBE, 1, False)
            had += stuck.delivered(stuck.flush())
        elif leave == "goodbye":
            stuck.send(CLOSE, 200, "done", None)
            had += stuck.delivered(iter(stuck.read, None))
        else:
            stuck.reset()
        got = []
        while not got or got[-1].payload[0] < many - 1:
            rest = p.push(rest, still=0) if rest else rest
            got += member.take(1)
        got += member.delivered(member.flush())
        numbers = sorted(d.payload[0] for d in had + got)
        first = numbers[0] if leave == "reset" else 0  # what the stuck member was sent is lost with it
        t.equal(numbers, list(range(first, many)), f"the events of the group after {leave}")


@S.check("If no member of a group has a window", hub="small")
def the_policies_of_a_group_decide_when_all_are_full(t):
    members, many = [asleep(t, t.topic(), group="g", overflow="drop-oldest") for _ in range(2)], 1200
    flood(t, t.topic(), many)
    got = [d for c in members for d in c.delivered(c.flush())]
    gaps = [d for d in got if isinstance(d, Gap)]
    t.true(gaps and {g.reason for g in gaps} == {GAPS["overflow"]}, f"the gaps {gaps}")
    missing = {n for g in gaps for n in range(g.first, g.last + 1)}
    had = {d.number for d in got if not isinstance(d, Gap)}
    t.equal(had | missing, set(range(1, many + 1)), "events and gaps of the group")


@S.check("A group belongs to a topic, by its name")
def a_group_has_one_name_on_a_topic(t):
    members, p, many = [t.subscriber(t.topic(f), group="workers") for f in ("a", "*", "**")], t.open(), 90
    p.send_all([EVENT, t.topic("a"), n] for n in range(many))
    p.flush()
    got = [d.payload for c in members for d in c.delivered(c.flush())]
    t.equal(sorted(got), list(range(many)), "the events of the members together")


@S.check("`group` | str or nil")
def names_of_groups(t):
    for good in ("g", "g" * 64, "-_:@/+=~%#$"):
        t.subscriber(t.topic(), group=good)
    for bad in ("", "g" * 65, "a.b", "a b", "*", "a*", "é", 7, b"g"):
        t.refuses_subscribe(["bad_option", "malformed"], t.topic(), {"group": bad})
    none = [t.subscriber(t.topic("n"), group=None) for _ in range(2)]
    t.open().event(t.topic("n"), 1)
    for c in none:
        t.equal(c.take(1)[0].payload, 1, "an event of a subscription whose `group` is nil")


@S.check("With a `group`, it may have neither", "For this reason, `positions` has no effect")
def a_member_of_a_group_has_no_position(t):
    t.refuses_subscribe("bad_option", t.topic(), {"group": "g", "start": "last"})
    t.refuses_subscribe("bad_option", t.topic(), {"after": {}, "group": "g"})
    p, c = t.open(), t.open()
    p.event(t.topic(), 1)
    p.flush()
    t.equal(c.subscribe(t.topic(), group="g", positions=True, start="live")[1], [], "the frames before SUBSCRIBED")
