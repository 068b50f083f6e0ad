"""Section 12: positions in parts."""

from suite.check import Section
from suite.frames import EVENT, PING, PONG, RUN, SUBSCRIBE, SUBSCRIBED

S = Section("12")


def topics(t, many):
    """Topics with three events each. Returns the position behind the first event of each."""
    c = t.open()
    for n in range(many):
        c.send_all([EVENT, t.topic(f"{n}"), [n, k]] for k in range(3))
    c.flush()
    frames = t.open().subscribe(t.topic("*"), positions=True)[1]
    return {f[1]: [f[2], 1] for f in frames if f[0] == RUN}


@S.check(
    "The `after` of a client that follows very many topics",
    "The client then sends several SUBSCRIBEs",
    "All but the last have `more`",
    "The hub does not answer the parts",
    "With the last part, the subscription comes into place",
    "Other frames may come in between",
    ("7", "`more` | bool"),
)
def positions_come_in_parts(t):
    after, c, p = topics(t, 9), t.open(), t.open()
    names = sorted(after)
    for first in range(0, 6, 2):
        part = {name: after[name] for name in names[first : first + 2]}
        c.send(SUBSCRIBE, 7, t.topic("*"), {"after": part, "more": True, "window": [1, 1]})
        c.send(PING, first)
        c.expect(PONG, first)
        p.event(t.topic("0"), [0, 3 + first // 2])
        p.flush()
    c.nothing()
    part = {name: after[name] for name in names[6:]}
    c.send(SUBSCRIBE, 7, t.topic("*"), {"after": part, "window": [100, 1_000_000]})
    seen = []
    while not seen or seen[-1][0] != SUBSCRIBED:
        seen.append(c.read())
    got = [d.payload for d in c.delivered(seen)]
    due = sorted([n, k] for n in range(9) for k in (range(1, 6) if n == 0 else (1, 2)))
    t.equal(sorted(got), due, "the events behind the positions of all parts")
    p.event(t.topic("live"), 1)
    t.equal([d.payload for d in c.take(1)], [1], "a live event")


@S.check(
    "The hub collects one subscription of a connection at a time",
    "If it refuses a part",
    "It does so too when an UNSUBSCRIBE",
    ("13", "a part of a SUBSCRIBE with another filter"),
)
def a_part_may_be_refused(t):
    after, c = topics(t, 2), t.open()
    first, second = sorted(after)
    part = {"after": {first: after[first]}, "more": True}
    for number, pattern, options in (
        (7, t.topic("**"), {"after": {second: after[second]}}),
        (7, t.topic("*"), {}),
        (8, t.topic("*"), part),
        (8, t.topic("*"), {}),
    ):
        c.send(SUBSCRIBE, 7, t.topic("*"), part)
        c.nothing()
        if number == 8 and not options:  # another subscription, which is whole, is no part
            c.send(SUBSCRIBE, number, pattern, options)
            c.expect(SUBSCRIBED, 8)
            c.unsubscribe(8)
        else:
            c.send(SUBSCRIBE, number, pattern, options)
            c.expect_refused(1, number, "bad_option")
        c.unsubscribe(7)
        c.flush()
    c.send(SUBSCRIBE, 7, t.topic("*"), part)
    c.unsubscribe(7)
    c.nothing()
    c.send(SUBSCRIBE, 7, t.topic("*"), {"after": {second: after[second]}})
    seen = []
    while not seen or seen[-1][0] != SUBSCRIBED:
        seen.append(c.read())
    got = sorted(d.number for d in c.delivered(seen))
    t.equal(got, [1, 2, 2, 3, 3], "the events of one topic from its beginning, and of the other behind its position")


@S.check("The positions of one subscription may take 16 MiB", "If it refuses a part")
def positions_are_bounded(t):
    c, size = t.open(), 0
    for turn in range(100):
        part = {f"{t.topic('x' * 100)}.{turn}.{n}": [1, 1] for n in range(4000)}
        size += sum(len(name) + 100 for name in part)
        c.send(SUBSCRIBE, 7, t.topic("*"), {"after": part, "more": True})
        if size > 16 * 2**20:
            c.expect_refused(1, 7, "bad_option")
            break
        c.nothing()
    c.send(SUBSCRIBE, 7, t.topic("**"), {})
    c.expect(SUBSCRIBED, 7)
