"""Section 5: names of topics, and filters."""

import itertools
import random

from suite.check import Section
from suite.frames import RUN, SUBSCRIBE

S = Section("5")
SIGNS = "-_:@/+=~%#$"


@S.check("Every event is sent to one topic", "A topic exists from its first event on", "Nobody needs to create a topic")
def topics_need_not_be_created(t):
    got = t.accepts_event(t.topic(), 1)
    t.equal((got.topic, got.number), (t.topic(), 1), "topic and event number")
    c = t.open()
    c.subscribe(t.topic("new"))
    before = c.subscribe(t.topic("*"), positions=True)[1]
    t.equal([f[1] for f in before if f[0] == RUN], [t.topic()], "the topics that exist")


@S.check(
    "The name of a topic is 1 to 32 tokens",
    "A token has at least one character",
    ("14", "4 | `bad_topic`"),
    ("16/EVENT", "topic | str"),
)
def names_consist_of_tokens(t):
    for good in (f"{t.prefix}one", t.topic("a.b.c"), ".".join([t.prefix] * 20 + ["a"] * 12)):
        t.accepts_event(good)
    for bad in ("", ".", "a.", ".a", "a..b", "a...b", ".".join(["a"] * 33)):
        t.refuses_event("bad_topic", bad, 1)
        t.refuses_subscribe("bad_filter", bad)


@S.check("It has at most 255 bytes")
def names_have_255_bytes(t):
    base = t.topic("")
    t.accepts_event(base + "y" * (255 - len(base)))
    t.refuses_event("bad_topic", base + "y" * (256 - len(base)), 1)


@S.check("A token may contain ASCII letters, digits and these signs")
def tokens_have_letters_digits_and_signs(t):
    for good in ("azAZ09", SIGNS, *("a" + sign for sign in SIGNS), *SIGNS[:-1], "a.$b", "ord$", "#"):
        t.accepts_event(t.topic(good))
    allowed = set(map(ord, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789." + SIGNS))
    others = [chr(n) for n in range(128) if n not in allowed] + list("éß日\u00a0\u2024\U0001f600")
    c = t.open()
    for number, sign in enumerate(others):
        c.event(t.topic("a" + sign + "b"), 1)
        c.expect_refused(0, number, "bad_topic")
    for sign in set(others) - {"*"}:
        c.send(SUBSCRIBE, 1, t.topic("a" + sign + "b"), {})
        c.expect_refused(1, 1, "bad_filter")


@S.check("Case matters")
def case_matters(t):
    c = t.open()
    c.subscribe(t.topic("Orders"))
    c.event(t.topic("orders"), 1)
    c.event(t.topic("Orders"), 2)
    c.event(t.topic("ORDERS"), 3)
    t.equal([d.payload for d in c.delivered(c.flush())], [2], "what came to `Orders`")


@S.check("Names whose first character is `$`", "A client can use two kinds of them", hub="access")
def names_with_a_dollar_belong_to_the_hub(t):
    c = t.open(credentials={"token": t.hubs.token[0]})
    for number, name in enumerate(
        ("$a", "$", "$hub", "$hub.quarantine", "$hub.quarantine.a", "$hub.other", "$SYS.a", "$inboxes")
    ):
        c.event(name, 1)
        c.expect_refused(0, number, "reserved_topic")
    for name in ("$a", "$hub", "$hub.**", "$**", "$hub.other", "$inboxes"):
        c.send(SUBSCRIBE, 1, name, {})
        c.expect_refused(1, 1, "reserved_topic", "bad_filter" if "*" in name else "reserved_topic")
    c.subscribe(c.facts["inbox"])
    c.subscribe("$hub.quarantine.**")


@S.check(
    "A filter states which topics",
    "A filter is written like a name",
    "`*` | exactly one token",
    "`**` | one or more tokens",
)
def filters_match_names(t):
    filters = {"*.b": 1, "**": 2, "a.**": 3, "a.b": 4, "*.*": 5, "*": 6, "a.*": 7, "*.**": 8, "a.*.c": 9, "a.b.**": 10}
    names = {
        "a": {2, 6}, "a.b": {1, 2, 3, 4, 5, 7, 8}, "a.b.c": {2, 3, 8, 9, 10}, "b": {2, 6}, "b.b": {1, 2, 5, 8},
        "a.x": {2, 3, 5, 7, 8},
    }  # fmt: skip
    got = {name: set() for name in names}
    for pattern, number in filters.items():
        c = t.open()
        c.subscribe(t.topic(pattern))
        for name in names:
            c.event(t.topic(name), name)
        for delivery in c.delivered(c.flush()):
            got[delivery.payload].add(number)
    t.equal(got, names, "the filters that match")
    for bad in ("**.a", "a.**.b", "**.**", "a.**.*", "***", "a.***"):
        t.refuses_subscribe("bad_filter", bad)


@S.check("A `*` within a longer token", ("14", "9 | `bad_filter`"))
def wildcards_are_whole_tokens(t):
    for bad in ("ord*", "*ers", "o*s", "a.b*", "a.*b.c", "**a", "a**", "a.**b"):
        t.refuses_subscribe("bad_filter", bad)
        t.refuses_event("bad_topic", bad, 1)
    for bad in ("*", "a.*", "**", "a.**"):
        t.refuses_event("bad_topic", bad, 1)


@S.check("A wildcard as the first token never matches", hub="quiet")
def a_first_wildcard_matches_no_dollar(t):
    c, d = t.open(), t.open()
    inbox = d.facts["inbox"]
    d.subscribe(inbox)
    for pattern in ("**", "*.*", "*", "*.**", "*." + inbox.split(".", 1)[1]):
        c.subscribe(pattern)
    d.event(inbox, 1)
    d.take(1, inbox)
    t.equal([f for f in c.delivered(c.flush()) if f.topic.startswith("$")], [], "what the wildcards got")
    d.subscribe("**")
    d.event(inbox, 2)
    t.equal(len([f for f in d.delivered(d.flush()) if f.topic == inbox]), 1, "the copies of an event for the inbox")


ROWS = [
    ("`orders.placed` | `orders.placed`", "orders.placed", ["orders.placed"], ["orders.placed.eu"]),
    ("`orders.*` | `orders.placed`", "orders.*", ["orders.placed"], ["orders", "orders.placed.eu"]),
    ("`orders.**` | `orders.placed`", "orders.**", ["orders.placed", "orders.placed.eu"], ["orders"]),
    ("`*.placed` | `orders.placed`", "*.placed", ["orders.placed"], ["$hub.placed"]),
    ("`**` | `orders`", "**", ["orders", "orders.placed"], ["$hub.placed"]),
]


@S.check(*(row[0] for row in ROWS), hub="quiet")
def the_examples_of_filters_are_true(t):
    for _, pattern, matched, others in ROWS:
        c = t.open()
        c.subscribe(pattern)
        mark = f"{t.base} {pattern}"
        for name in matched + others:
            c.event(name, mark)
        got = [d.topic for d in c.delivered(c.flush()) if getattr(d, "payload", None) == mark]
        t.equal(got, matched, f"what {pattern} matches")


def matches(pattern, name):
    """The tables of section 5 as a function."""
    if name.startswith("$") and not pattern.startswith("$"):
        return False
    f, n = pattern.split("."), name.split(".")
    for i in range(len(f)):
        if i >= len(n):
            return False
        if f[i] == "**":
            return True
        if f[i] != "*" and f[i] != n[i]:
            return False
    return len(f) == len(n)


@S.check("A client never has to match topics itself")
def each_delivery_names_the_subscriptions_that_match(t):
    choose = random.Random(7)
    tokens = ["a", "b", "*"]
    filters = [".".join(choose.choices(tokens, k=choose.randint(1, 4))) for _ in range(60)]
    filters = list(dict.fromkeys(f + choose.choice(["", "", ".**"]) for f in filters))
    c = t.open()
    for number, pattern in enumerate(filters):
        c.send(SUBSCRIBE, number, t.topic(pattern), {"group": f"g{number}"} if number % 2 else {})
    c.flush()
    for size in range(1, 6):
        for name in map(".".join, itertools.islice(itertools.product("ab", repeat=size), 20)):
            c.event(t.topic(name), 1)
            got = sorted(n for d in c.delivered(c.flush()) for n in d.subscriptions)
            due = [n for n, pattern in enumerate(filters) if matches(t.topic(pattern), t.topic(name))]
            t.equal(got, due, f"the filters that match {name}")
