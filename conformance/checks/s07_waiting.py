"""Section 7: what waits in the hub beyond a window."""

from suite.check import Section
from suite.client import Gap
from suite.floods import accounted, framed
from suite.frames import EVENT, GAPS, PING, PONG, REFUSED, SUBSCRIBE, SUBSCRIBED, TAKEN
from suite.windows import numbers, publish

S = Section("7")


@S.check(("8", "Events that were published together"), ("8", "A subscription that has room for a part"))
def who_has_room_shares_a_copy(t):
    c = t.open()
    slow, quick, other = (c.subscribe(t.topic(), window=[n, 1_000_000])[0] for n in (2, 1_000, 1_000))
    plain = [c.subscribe(t.topic())[0] for _ in range(2)]
    publish(t, t.topic(), 1)
    first = [sorted(d.subscriptions) for d in c.delivered(c.flush())]
    t.equal(sorted(first), [[slow, quick, other], plain], "the copies of an event that all have room for")
    publish(t, t.topic(), 5, 1)
    got = c.delivered(c.flush())
    t.equal([d.number for d in got if slow in d.subscriptions], [2], "what a window of 2 has room for")
    copies = {n: sorted(d.subscriptions for d in got if d.number == n) for n in range(3, 7)}
    t.true(all(ids == [[quick, other], plain] for ids in copies.values()), f"the copies of the others {copies}")
    c.taken(slow, 2)
    late = c.delivered(c.flush())
    t.equal([(d.number, d.subscriptions) for d in late], [(3, [slow]), (4, [slow])], "the RUNs of its own")


@S.check("So a listener that is slow delays no other")
def who_takes_nothing_delays_no_other(t):
    c, many = t.open(receipts=True), 60
    slow, _ = c.subscribe(t.topic(), window=[1, 1_000_000])
    quick, _ = c.subscribe(t.topic(), window=[1_000, 1_000_000])
    plain, _ = c.subscribe(t.topic("**"))
    plain2, _ = c.subscribe(t.topic())
    c.subscribe(c.facts["inbox"])
    server = t.subscriber(t.topic("ask"))
    publish(t, t.topic(), 1, fill=b"z" * 500)
    publish(t, t.topic(), many - 1, 1, fill=b"z" * 500)
    c.event(t.topic("ask"), "?", {"reply": c.facts["inbox"], "id": "1"})
    request = server.take(1)[0]
    server.event(request.headers["reply"], "!", {"re": "1"})
    server.flush()
    seen = c.flush() + c.until_receipt(1)
    got = c.delivered(seen)
    due = {slow: [1], quick: list(range(1, many + 1)), plain2: list(range(1, many + 1))}
    for number, those in due.items():
        mine = [d.number for d in got if number in d.subscriptions]
        t.equal(mine, those, f"the events of subscription {number} while {slow} takes nothing")
    t.equal([d.payload for d in got if d.topic == c.facts["inbox"]], ["!"], "the reply")
    c.taken(slow, 1)
    late = c.delivered(c.flush())
    t.equal([(d.number, d.subscriptions) for d in late], [(2, [slow])], "the RUN of its own")


@S.check("The hub keeps a queue of limited size", "What is beyond the window waits", hub="small")
def the_queue_of_a_window_has_its_policy(t):
    for policy, newest in (("drop-oldest", True), ("drop-newest", False), ("latest", True)):
        c, topic, many = t.open(), t.topic(policy), 40
        number, _ = c.subscribe(topic, window=[1, 1], overflow=policy)
        other, _ = c.subscribe(t.topic("*"))
        p = t.open(receipts=True)
        for n in range(many):
            p.event(topic, [n, b"z" * 5_000], {"key": "k"})
            p.until_receipt(n + 1)
            others = [d.number for d in c.delivered(c.flush()) if other in d.subscriptions] if n else []
            t.true(not n or n + 1 in others, f"event {n + 1} did not come to a subscription that has room")
        late = []
        while len(late) < many - 1:
            c.taken(number, 1 + sum(not isinstance(d, Gap) for d in late))
            got = c.delivered(c.flush())
            late += got
            if not got:
                break
        accounted(t, late, many, first=2)
        t.true(all(d.subscriptions == [number] for d in late), "another subscription got what waited")
        reasons = {d.reason for d in late if isinstance(d, Gap)}
        t.equal(reasons, {GAPS["conflated" if policy == "latest" else "overflow"]}, f"the reasons with {policy}")
        t.equal(late[-1].number == many, newest, f"whether the newest event came with {policy}")


@S.check("`block` | Drops nothing", hub="small")
def block_holds_only_the_publishers_of_its_topic(t):
    c, p, other = t.open(), t.open(receipts=True), t.open(receipts=True)
    number, _ = c.subscribe(t.topic("held"), window=[1, 1], overflow="block")
    free, _ = c.subscribe(t.topic("free"))
    many = 60
    p.push(b"".join(framed([EVENT, t.topic("held"), [n, b"z" * 5_000]]) for n in range(many)), still=0.1)
    for n in range(20):
        other.event(t.topic("free"), n)
        other.until_receipt(n + 1)
    got, taken = [], 0
    while len(got) < many + 20:
        for d in c.delivered([c.read()]):
            got.append(d)
            if number in d.subscriptions:
                taken += 1
                c.taken(number, taken)
    t.equal([d.payload for d in got if free in d.subscriptions], list(range(20)), "the events of the other topic")
    t.equal([d.payload[0] for d in got if number in d.subscriptions], list(range(many)), "the events that were held")


@S.check(
    "A publisher does not wait for a listener of its own connection",
    "If such a listener has no room, its policy is `block`",
    ("13", "an EVENT for which a listener of this same client has no room"),
    ("14", "20 | `self_blocked`"),
    hub="small",
)
def who_would_wait_for_itself_is_told(t):
    c, other, many = t.open(receipts=True), t.open(receipts=True), 60
    number, _ = c.subscribe(t.topic(), window=[1, 1], overflow="block")
    for n in range(many):
        c.event(t.topic(), [n, b"z" * 5_000])
        c.event(t.topic("free"), n)
    seen = c.until_receipt(2 * many)
    refused = [f[1:4] for f in seen if f[0] == REFUSED]
    t.true(refused and all(what == 0 and code == 20 and not at % 2 for what, at, code in refused), f"the refusals {refused[:3]}")
    good = sorted({n for n in range(many)} - {at // 2 for _, at, _ in refused})
    got, taken = c.delivered(seen), 1
    while len(got) < len(good):
        c.taken(number, taken)
        got += c.take(1)
        taken += 1
    t.equal([d.payload[0] for d in got], good, "the events that were accepted")
    c.taken(number, taken)
    c.event(t.topic(), "again")
    t.equal([d.payload for d in c.take(1)], ["again"], "an event when there is room again")
    d = t.open(receipts=True)
    d.subscribe(t.topic("d"), window=[1, 1], overflow="drop-oldest")
    for n in range(many):
        d.event(t.topic("d"), [n, b"z" * 5_000])
    t.true(not any(f[0] == REFUSED for f in d.until_receipt(many)), "an event was refused although its policy drops")
    other.flush()


@S.check(
    "What waits in the hub because of a window comes only with",
    ("16/UNSUBSCRIBE", "drain | bool"),
)
def what_waits_comes_only_if_it_is_wanted(t):
    for drain in (False, True):
        c, topic = t.open(), t.topic(str(drain))
        number, _ = c.subscribe(topic, window=[2, 1_000_000])
        publish(t, topic, 10)
        t.equal(numbers(c), [1, 2], "the events on their way")
        c.unsubscribe(number, drain)
        publish(t, topic, 3, 10)
        t.equal(numbers(c), list(range(3, 11)) if drain else [], f"what comes with `drain` = {drain}")
        for taken in (1, 10 if drain else 2):
            c.taken(number, taken)
        c.nothing()
        c.send(SUBSCRIBE, number, topic, {})
        c.expect(SUBSCRIBED, number)


@S.check(
    "While events of a client wait for room, the hub does not handle",
    "It makes an exception for TAKEN",
    "So a client that publishes and listens on one connection",
    "The hub looks no further than to the first frame",
    hub="small",
)
def taken_is_heard_behind_events_that_wait(t):
    for between, heard in (([], True), ([PING, 1], True), ([SUBSCRIBE, 99, t.topic("z"), {}], False)):
        name = str(between[:1])
        full, mine = t.topic(f"full{name}".replace("[", "").replace("]", "")), t.topic(f"mine{len(between)}")
        stuck, c = t.open(), t.open(receipts=True)
        held, _ = stuck.subscribe(full, window=[1, 1], overflow="block")
        own, _ = c.subscribe(mine, window=[1, 1])
        publish(t, mine, 2)
        t.equal(numbers(c), [1], "the event on its way")
        many = 7
        data = b"".join(framed([EVENT, full, [n, b"z" * 15_000]]) for n in range(many))
        c.send_bytes(data + (framed(between) if between else b"") + framed([TAKEN, own, 1, None, None]))
        c.published = many
        if heard:
            got = c.take(1)
            t.equal([d.number for d in got], [2], "what comes behind a TAKEN that stands behind events that wait")
            t.true(c.receipt < many, "all events had room")
        else:
            for _ in range(10):
                t.open().flush()
        taken = 0
        while taken < many:
            taken += len(stuck.delivered(stuck.flush()))
            stuck.taken(held, taken)
        seen = c.until_receipt(many) + c.flush()
        if not heard:
            order = [f[0] for f in seen if f[0] in (SUBSCRIBED, EVENT)]
            t.equal(order, [SUBSCRIBED, EVENT], "what comes behind a SUBSCRIBE that stands behind events that wait")
        t.equal(any(f[:2] == [PONG, 1] for f in seen), between[:1] == [PING], "whether a PONG came, behind the events")


@S.check("For a client above the rate at which it may publish, these", hub="rate")
def taken_is_heard_above_the_rate(t):
    c, p = t.open(receipts=True), t.open()
    own, _ = c.subscribe(t.topic("mine"), window=[1, 1])
    p.send_all([EVENT, t.topic("mine"), n] for n in range(2))
    p.flush()
    t.equal(numbers(c), [1], "the event on its way")
    many = 60
    data = b"".join(framed([EVENT, t.topic("other"), n]) for n in range(many))
    c.send_bytes(data + framed([TAKEN, own, 1, None, None]))
    t.equal([d.number for d in c.take(1)], [2], "what comes behind TAKEN")
    t.true(c.receipt < many, "the hub had read all events before TAKEN")
