"""Section 14: codes that no other section has a check for."""

from suite import document, frames
from suite.check import Section
from suite.frames import EVENT, REFUSED, SUBSCRIBE, UNSUBSCRIBE

S = Section("14")


@S.check("The hub's logs and metrics show the names", ("16/REFUSED", "code | uint"), ("16/GAP", "reason | uint"))
def tables_and_numbers_agree(t):
    rows = [s.text.split(" | ") for s in document.read() if s.place == "14" and s.kind == "row"]
    coded = [row for row in rows if row[1].startswith("`")]
    named = [(int(row[0]), row[1].strip("`")) for row in coded]
    for table in (frames.CLOSES, frames.REFUSALS, frames.GAPS):
        for name, number in table.items():
            t.true((number, name) in named, f"the document has no row {number} | {name}")
    known = sum(map(len, (frames.CLOSES, frames.REFUSALS, frames.GAPS)))
    t.equal(len(named), known, "the number of codes in the document and in suite/frames.py")
    c = t.open()
    c.event("a b", 1)
    c.expect(REFUSED, 0, 0, 4)  # a number, and not a name


@S.check(
    "`what` states which kind of frame", "0 | an EVENT", "1 | a SUBSCRIBE", "2 | an UNSUBSCRIBE", "3 | another frame"
)
def what_says_which_frame_was_refused(t):
    c = t.open()
    c.send_all(
        [[EVENT, t.topic(), 1], [EVENT, "a b", 1], [SUBSCRIBE, 2**40, "a b", {}], [UNSUBSCRIBE, 2**41, False], [126], [127, 1]]
    )
    seen = [f[1:4] for f in c.flush()]
    t.equal(seen, [[0, 1, 4], [1, 2**40, 9], [2, 2**41, 12], [3, 0, 14], [3, 0, 14]], "what, number and code")


@S.check("11 | `duplicate_subscription`", ("7", "It chooses the id"))
def an_id_is_used_once(t):
    c = t.open()
    c.send_all([[SUBSCRIBE, 5, t.topic("a"), {}], [SUBSCRIBE, 5, t.topic("b"), {}], [SUBSCRIBE, 6, t.topic("a"), {}]])
    c.expect(6, 5)
    c.expect_refused(1, 5, "duplicate_subscription")
    c.expect(6, 6)
    p = t.open()
    p.send_all([[EVENT, t.topic("a"), 1], [EVENT, t.topic("b"), 2]])
    p.flush()
    t.equal([d.payload for d in c.delivered(c.flush())], [1], "the events of the first subscription")
    t.open().send(SUBSCRIBE, 5, t.topic("a"), {})  # another connection may use the id


@S.check("12 | `unknown_subscription`", ("16/UNSUBSCRIBE", "The hub does not answer, or answers"))
def an_unknown_subscription_cannot_be_ended(t):
    c = t.open()
    c.send(SUBSCRIBE, 5, t.topic(), {})
    c.expect(6, 5)
    for number, known in ((6, False), (5, True), (5, False), (2**64 - 1, False)):
        c.send(UNSUBSCRIBE, number, False)
        c.nothing() if known else c.expect_refused(2, number, "unknown_subscription")


@S.check("13 | `too_many_subscriptions`", hub="small")
def a_subscription_too_many_is_refused(t):
    c = t.open()
    for number in range(4):
        c.send(SUBSCRIBE, number, t.topic(), {})
        c.expect(6, number)
    c.send(SUBSCRIBE, 4, t.topic(), {})
    c.expect_refused(1, 4, "too_many_subscriptions")
    c.send(UNSUBSCRIBE, 0, False)
    c.send(SUBSCRIBE, 4, t.topic(), {})
    c.expect(6, 4)


@S.check("17 | `rejected`", ("16/REFUSED", "rule | str or nil"), ("16/REFUSED", "path | str or nil"), hub="access")
def a_rule_rejects_with_its_name_and_the_path(t):
    c = t.open(credentials={"token": t.hubs.token[0]}, receipts=True)
    c.subscribe(t.topic("rules"))
    c.event(t.topic("rules"), {"a": [{"rejected": "a secret text"}]})
    refused = c.expect_refused(0, 0, "rejected")
    t.equal(refused[5], "no rejected word", "`rule`")
    t.true(refused[6].endswith(".0.rejected"), f"`path` is {refused[6]}")
    c.event(t.topic("rules"), {"other": 1})
    t.equal(len(c.take(1)), 1, "an event that the rule does not reject")
    c.event("a b", 1)
    refused = c.expect_refused(0, 2, "bad_topic")
    t.equal(refused[5], None, "`rule` of a refusal without a rule")


@S.check("18 | `quarantined`", hub="access")
def a_rule_withholds_an_event_from_everyone(t):
    c = t.open(credentials={"token": t.hubs.token[0]})
    c.subscribe(t.topic("**"))
    c.subscribe("$hub.quarantine." + t.topic("rules"))
    c.event(t.topic("rules"), {"withheld": "a secret text"})
    c.expect_refused(0, 0, "quarantined")
    seen = c.delivered(c.flush())
    t.true(all(d.topic.startswith("$hub.quarantine.") for d in seen), "a quarantined event reached a subscriber")
    t.true(not any(b"secret" in d.body for d in seen), "the quarantine shows a value")


@S.check("207 | `policy`", hub="access")
def a_rule_ends_the_connection(t):
    c = t.open(credentials={"token": t.hubs.token[0]})
    c.event(t.topic("rules"), {"fatal": "x"})
    t.equal(c.expect_close("policy")[1], 207, "the code")


@S.check("105 | `rights_changed`")
def changed_rights_end_the_connection(t):
    name = t.hubs.access_file(f"{t.base}.toml") if t.hubs.binary else ""
    t.start(access=name)
    c = t.open(credentials={"token": t.hubs.token[0]})
    c.flush()
    t.hubs.access_file(name, "quarantine = true", "quarantine = false")
    frame = c.expect_close("rights_changed")
    t.equal(frame[1], 105, "the code")
    t.open(credentials={"token": t.hubs.token[0]})


@S.check(("16/REFUSED", "message | str"))
def no_message_quotes_a_payload(t):
    mark = "Zq7marker"
    c = t.open()
    c.send_all([
        [EVENT, "a b", mark], [EVENT, t.topic(), {mark: mark}, {"id": 7, "mine": mark}], [EVENT, t.topic(), mark, {"$a": mark}],
        [EVENT, t.topic(), mark, {"reply": "r", "id": mark}], [EVENT, t.topic(), [mark], [mark]],
    ])  # fmt: skip
    seen = c.flush()
    t.equal(len(seen), 5, "the refusals")
    for frame in seen:
        t.true(mark not in str(frame[4:7]), f"the message {frame[4]!r} quotes the payload")  # `id` may be the same text
        t.true(frame[4], "a message is empty")
