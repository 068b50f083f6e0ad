"""Section 7: the options of subscriptions."""

from suite.check import Section
from suite.frames import RUN

S = Section("7")


@S.check("A subscription without `group` is called plain", "`start` | str")
def plain_subscriptions_get_each_event(t):
    p = t.open()
    p.event(t.topic("a"), 1)
    p.event(t.topic("a"), 2)
    p.flush()
    live, last = t.open(), t.open()
    t.equal(live.subscribe(t.topic("**"), start="live")[1], [], "past events of `live`")
    number, before = last.subscribe(t.topic("**"), start="last")
    t.equal([(d.payload, d.subscriptions) for d in last.delivered(before)], [(2, [number])], "past events of `last`")
    default = t.subscriber(t.topic("**"))
    p.event(t.topic("a"), 3)
    p.flush()
    for c in (live, last, default):
        t.equal([(d.number, d.payload) for d in c.delivered(c.flush())], [(3, 3)], "a live event")
    for bad in ("LAST", "first", "", 1, True, b"last"):
        t.refuses_subscribe(["bad_option", "malformed"], t.topic(), {"start": bad})


@S.check("`after` | map from topic name")
def after_is_a_map_of_positions(t):
    p = t.open()
    for n in range(3):
        p.event(t.topic("a"), n)
        p.event(t.topic("b"), n)
    p.flush()
    epoch = {r[1]: r[2] for r in t.open().subscribe(t.topic("*"), positions=True)[1] if r[0] == RUN}
    c = t.open()
    number, before = c.subscribe(t.topic("*"), after={t.topic("a"): [epoch[t.topic("a")], 2]})
    got = c.delivered(before)
    t.equal([d.number for d in got if d.topic == t.topic("a")], [3], "behind the position")
    t.equal([d.number for d in got if d.topic == t.topic("b")], [1, 2, 3], "a topic that is not named")
    t.true(all(d.subscriptions == [number] for d in got), "the subscription of past events")
    for bad in (
        [],
        "x",
        1,
        {"a": 1},
        {"a": []},
        {"a": [1]},
        {"a": [1, -1]},
        {"a": ["1", 1]},
        {"a": {1: 1}},
        {"a": [1, None]},
    ):
        t.refuses_subscribe(["bad_option", "malformed"], t.topic(), {"after": bad})


@S.check("`after` | map from topic name")
def after_names_topics(t):
    for bad in ("a b", "", "a..b", "a.*", "**"):
        t.refuses_subscribe(["bad_option", "malformed"], t.topic(), {"after": {bad: [1, 1]}})


@S.check("`more` | bool", "`observe` | bool", "A member of a group cannot have `observe`")
def more_and_observe_are_true_or_false(t):
    for option in ("more", "observe"):
        for bad in (1, "true", 0, None, []):
            t.refuses_subscribe(["bad_option", "malformed"], t.topic(), {option: bad, "after": {}})
        t.subscriber(t.topic(), **{option: False})
    t.refuses_subscribe("bad_option", t.topic(), {"more": True})
    t.subscriber(t.topic(), observe=True)
    t.refuses_subscribe("bad_option", t.topic(), {"observe": True, "group": "g"})
    t.subscriber(t.topic(), observe=False, group="g")


@S.check("`positions` | bool")
def positions_is_true_or_false(t):
    p = t.open()
    p.event(t.topic(), 1)
    p.flush()
    for options, due in (({}, 0), ({"positions": False}, 0), ({"positions": True}, 1)):
        before = t.open().subscribe(t.topic(), **options)[1]
        t.equal([f[0] for f in before], [RUN] * due, f"the frames before SUBSCRIBED with {options}")
    for bad in (1, "true", 0):
        t.refuses_subscribe(["bad_option", "malformed"], t.topic(), {"positions": bad})


@S.check("A SUBSCRIBE may have `start` or `after`")
def start_and_after_exclude_each_other(t):
    for start in ("live", "last"):
        t.refuses_subscribe("bad_option", t.topic(), {"start": start, "after": {}})
        t.refuses_subscribe("bad_option", t.topic(), {"after": {t.topic(): [1, 1]}, "start": start})


@S.check("If several plain subscriptions of a connection without a window")
def plain_subscriptions_share_one_copy(t):
    c, p = t.open(), t.open()
    ids = [c.subscribe(t.topic(pattern))[0] for pattern in ("a", "*", "**", "a")]
    p.event(t.topic("a"), 1)
    p.flush()
    got = c.delivered(c.flush())
    t.equal([(d.payload, sorted(d.subscriptions)) for d in got], [(1, ids)], "the copies of one event")
