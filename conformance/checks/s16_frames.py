"""Section 16: the elements of each frame, and the examples."""

from suite import document, frames
from suite import msgpack as mp
from suite.check import Section
from suite.client import Frame

S = Section("16")
EXAMPLE = "example of the bytes"


@S.check(*(f"{number} | {name} |" for number, name in frames.NAMES.items()))
def each_type_has_its_number(t):
    rows = [s.text.split(" | ") for s in document.read() if s.place == "16" and s.kind == "row"]
    t.equal({int(row[0]): row[1] for row in rows}, frames.NAMES, "the types in the document")
    c, seen = t.connect(), []
    c.send(frames.HELLO, "hub", 1, {"receipts": True})
    seen.append(c.expect(frames.WELCOME, 1))
    c.facts_from(seen[0])
    c.send_all([
        [frames.SUBSCRIBE, 1, t.topic(), {}], [frames.EVENT, t.topic(), 1], [frames.PING, 5],
        [frames.UNSUBSCRIBE, 1, False], [frames.EVENT, "a b", 1], [frames.PONG, 5],
        [frames.SUBSCRIBE, 2, t.topic(), {"after": {t.topic(): [1, 1]}}], [frames.CLOSE, 200, "done", None],
    ])  # fmt: skip
    while frame := c.read():
        seen.append(frame)
    got = {frame[0] for frame in seen}
    names = ("WELCOME", "SUBSCRIBED", "RUN", "EVENT", "RECEIPT", "PONG", "REFUSED", "GAP", "CLOSE")
    t.equal({frames.NAMES[kind] for kind in got}, set(names), "the types that the hub sent")
    for number, name, who in rows:
        if who == "hub":
            t.closes("protocol_error", body=mp.pack([int(number), 1, 1]))


@S.check("All elements must be there")
def all_elements_must_be_there(t):
    for count in range(3):
        t.hello_closes("protocol_error", *["hub", 1, {}][:count])
        t.closes("protocol_error", body=mp.pack([frames.CLOSE, 200, "x"][: count + 1]))
    for count in (1, 2):
        c = t.open()
        c.send(*[frames.EVENT, t.topic()][:count])
        c.expect_refused(0, 0, "malformed")
        c.send(*[frames.SUBSCRIBE, 7, t.topic()][: count + 1])
        c.expect_refused(1, 7, "malformed")
    for kind in (frames.SUBSCRIBE, frames.UNSUBSCRIBE, frames.PING, frames.PONG, frames.TAKEN):
        t.closes("protocol_error", body=mp.pack([kind]))
    for count in (1, 2, 3):
        t.closes("protocol_error", body=mp.pack([frames.TAKEN, 1, 0, None, None][: count + 1]))


@S.check(
    "Each example shows the bytes",
    "The examples use the shortest form",
    *((f"16/{name}", EXAMPLE) for name in frames.NAMES.values()),
)
def the_examples_are_true(t):
    found = {}
    for name, data, meaning in document.examples():
        size, body = int.from_bytes(data[:4], "big"), data[4:]
        t.equal(len(body), size, f"the length in the example of {name}")
        frame = Frame(body)
        t.equal(list(frame), meaning, f"the meaning of the example of {name}")
        t.equal(frames.NAMES[frame[0]], name, "the type of the example")
        if frame[0] in frames.SCHEMA:
            t.equal(frames.fault(frame), None, f"what is wrong with the example of {name}")
        if name != "RUN":
            t.equal(mp.pack(list(frame)), body, f"the shortest form of the example of {name}")
        found[name] = data
    t.equal(set(found), set(frames.NAMES.values()), "the frames with an example")
    c = t.connect()
    c.send_bytes(found["HELLO"])
    c.facts_from(c.expect(frames.WELCOME, 1))
    c.send_bytes(found["SUBSCRIBE"])
    before = []
    while not before or before[-1][0] != frames.SUBSCRIBED:
        before.append(c.read())
    c.same(before[-1], [frames.SUBSCRIBED, 1])
    t.equal(b"\x00\x00\x00\x03" + before[-1].body, found["SUBSCRIBED"], "the bytes of SUBSCRIBED")
    c.send_bytes(found["EVENT"])
    while (frame := c.read())[0] != frames.EVENT or frame.body != found["EVENT"][4:]:
        c.same(frame, [frame[0] if frame[0] in (frames.RUN, frames.EVENT, frames.GAP, frames.RECEIPT) else frames.RUN])
    c.send_bytes(found["UNSUBSCRIBE"] + found["PING"])
    while (frame := c.read())[0] != frames.PONG:
        c.same(frame, [frame[0] if frame[0] in (frames.RUN, frames.EVENT, frames.GAP, frames.RECEIPT) else frames.PONG])
    t.equal(b"\x00\x00\x00\x03" + frame.body, found["PONG"], "the bytes of PONG")
    c.send_bytes(found["PONG"])
    c.nothing(frames.REFUSED)
    c.send_bytes(found["CLOSE"])
    c.expect_close("normal")


@S.check(
    ("16/EVENT", "`[3, topic, payload]` or"),
    ("16/EVENT", "It has the same bytes in both directions"),
    ("16/EVENT", "The hub sends an EVENT only after a RUN"),
    ("16/RUN", "topic | str"),
)
def events_have_the_same_bytes_in_both_directions(t):
    for body in (
        mp.pack([frames.EVENT, t.topic(), {"a": 1}]),
        mp.pack([frames.EVENT, t.topic(), mp.number("uint64", 1), {}]),
        mp.pack(
            [
                frames.EVENT,
                mp.text(4, t.topic()),
                mp.array(4, [mp.text(2, "x")]),
                mp.pairs([(mp.text(4, "id"), mp.text(2, "x"))], 4),
            ]
        ),
    ):
        s, c = t.subscriber(t.topic()), t.open()
        c.send_body(body)
        run = s.expect(frames.RUN, t.topic())
        t.equal(run[4], 1, "`count`")
        t.equal(s.expect(frames.EVENT).body, body, "the bytes of the EVENT")


@S.check(
    ("16/RUN", "`[4, topic, epoch, first, count, publisher, time_ms, [subscriptions]]`, or"),
    ("16/RUN", "count | uint, at most"),
    ("16/RUN", "The hub writes `epoch`, `first` and `time_ms` as uint 64"),
)
def a_run_has_numbers_of_fixed_width(t):
    c = t.open()
    c.subscribe(t.topic())
    c.send_all([frames.EVENT, t.topic(), n] for n in range(5))
    got = 0
    while got < 5:
        run = c.expect(frames.RUN, t.topic())
        parts = mp.elements(run.body)
        t.equal(len(parts), 8, "the number of elements")
        for name, at, first, size in (
            ("epoch", 2, 0xCF, 9),
            ("first", 3, 0xCF, 9),
            ("count", 4, 0xCE, 5),
            ("time_ms", 6, 0xCF, 9),
        ):
            t.equal((parts[at][0], len(parts[at])), (first, size), f"first byte and size of `{name}`")
        for _ in range(run[4]):
            c.expect(frames.EVENT, t.topic(), got)
            got += 1


@S.check(
    ("16/WELCOME", "It is not answered"), ("16/SUBSCRIBED", "It is not answered"), ("16/RECEIPT", "It is not answered"),
    ("16/REFUSED", "It is not answered"), ("16/GAP", "It is not answered"), ("16/RUN", "The client does not answer"),
)  # fmt: skip
def the_frames_of_the_hub_need_no_answer(t):
    c = t.open(receipts=True)
    for turn in range(3):
        c.send(frames.SUBSCRIBE, turn, t.topic(str(turn)), {"after": {t.topic(str(turn)): [1, 1]}})
        c.send_all([[frames.EVENT, t.topic(str(turn)), 1], [frames.EVENT, "a b", 1]])
    kinds = {frame[0] for frame in c.flush() + c.until_receipt(6)}
    t.true({frames.SUBSCRIBED, frames.RUN, frames.EVENT, frames.REFUSED} <= kinds, f"only the types {kinds} came")
    c.nothing()


@S.check(
    ("16/SUBSCRIBE", "`[5, id, filter, {options}]`"),
    ("16/SUBSCRIBED", "`[6, id]`, from the hub"),
    ("16/SUBSCRIBED", "id | uint"),
    ("7", "A client sends SUBSCRIBE with an `id`"),
    ("7", "The hub answers SUBSCRIBED with the id"),
)
def a_subscription_is_answered_with_its_id(t):
    c = t.open()
    for number in (0, 1, 300, 2**32, 2**64 - 1):
        c.send(frames.SUBSCRIBE, number, t.topic(), {})
        c.expect(frames.SUBSCRIBED, number)
        c.send(frames.SUBSCRIBE, number, "a b", {})
        c.expect_refused(1, number, "bad_filter", "duplicate_subscription")
    c.event(t.topic(), 1)
    t.equal(len(c.take(1)), 1, "the event")
    c.send(frames.SUBSCRIBE, 5, "a b", {})
    c.expect_refused(1, 5, "bad_filter")


@S.check(("16/SUBSCRIBE", "The hub answers with SUBSCRIBED, or with REFUSED"))
def a_subscription_is_refused_with_these_codes(t):
    # Other checks bring about `too_many_subscriptions`, `overloaded` and, with rights, `forbidden`.
    t.refuses_subscribe("malformed", 7)
    t.refuses_subscribe("bad_filter", "a b")
    t.refuses_subscribe("reserved_topic", "$a")
    t.refuses_subscribe("bad_option", t.topic(), {"a": 1})
    t.refuses_subscribe("forbidden", t.open().facts["inbox"])
    t.start(max_topics=1)
    c = t.open()
    c.event(t.topic("a"), 1)
    c.send(frames.SUBSCRIBE, 1, c.facts["inbox"], {})  # the only topic that a SUBSCRIBE creates
    c.expect_refused(1, 1, "too_many_topics")
    c.send(frames.SUBSCRIBE, 2, t.topic("a"), {})
    c.expect(frames.SUBSCRIBED, 2)


@S.check(
    ("16/UNSUBSCRIBE", "`[7, id, drain]`, from the client"),
    ("16/UNSUBSCRIBE", "The client may use its id again"),
    ("7", "To end the subscription"),
    ("7", "If the id is unknown"),
    ("7", "Otherwise the hub does not answer"),
    ("7", "Events that were on their way before UNSUBSCRIBE"),
)
def a_subscription_ends_with_unsubscribe(t):
    c, p = t.open(), t.open()
    for turn in range(10):
        c.send(frames.SUBSCRIBE, 1, t.topic(), {})
        c.expect(frames.SUBSCRIBED, 1)
        p.event(t.topic(), turn)
        p.flush()
        c.send(frames.UNSUBSCRIBE, 1, False)
        before = c.flush()
        t.equal([d.payload for d in c.delivered(before)], [turn], "the event from before UNSUBSCRIBE")
        p.event(t.topic(), "late")
        p.flush()
        c.nothing()
    c.send(frames.UNSUBSCRIBE, 1, False)
    c.expect_refused(2, 1, "unknown_subscription")
