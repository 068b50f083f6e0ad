"""Section 9: request and reply."""

import os

from suite.check import Section
from suite.frames import REFUSED, SUBSCRIBE

S = Section("9")


@S.check(
    "A request is an event with the headers",
    "The client that asks does this",
    "After each WELCOME, it sends SUBSCRIBE once",
    "The hub does not do this for the client",
    "It sends the request",
    "It waits, for a limited time",
    "The client that answers gets the request",
    "It sends an EVENT to the topic in `reply`",
)
def a_request_gets_its_reply(t):
    service, c = t.subscriber(t.topic("ask")), t.open()
    inbox = c.facts["inbox"]
    c.event(t.topic("ask"), 0, {"reply": inbox, "id": "early"})
    service.take(1)
    service.event(inbox, "too early", {"re": "early"})
    service.expect_refused(0, 0, "no_subscriber")  # nobody has subscribed to the inbox
    c.subscribe(inbox)
    for number in range(3):
        c.event(t.topic("ask"), number, {"reply": inbox, "id": f"r{number}"})
        asked = service.take(1)[0]
        t.equal((asked.payload, asked.headers), (number, {"reply": inbox, "id": f"r{number}"}), "the request")
        service.event(asked.headers["reply"], number * 2, {"re": asked.headers["id"]})
        answer = c.take(1)[0]
        t.equal((answer.payload, answer.headers), (number * 2, {"re": f"r{number}"}), "the reply")


@S.check("If several subscriptions match, each of them can answer", "Use a queue group")
def each_subscriber_can_answer(t):
    alone = [t.subscriber(t.topic("all")) for _ in range(3)]
    grouped = [t.subscriber(t.topic("one"), group="g") for _ in range(3)]
    c = t.open()
    c.subscribe(c.facts["inbox"])
    for topic, services, due in (("all", alone, 3), ("one", grouped, 1)):
        c.event(t.topic(topic), 1, {"reply": c.facts["inbox"], "id": topic})
        c.flush()
        for number, service in enumerate(services):
            for asked in service.delivered(service.flush()):
                service.event(asked.headers["reply"], number, {"re": asked.headers["id"]})
                service.flush()
        t.equal(len(c.delivered(c.flush())), due, f"the replies of the services on {topic}")


@S.check("An error is a reply too", "It has the header `type` = `hub.error`")
def an_error_is_a_reply(t):
    c, service = t.open(), t.open()
    c.subscribe(c.facts["inbox"])
    service.event(c.facts["inbox"], {"message": "no such order"}, {"re": "1", "type": "hub.error"})
    got = c.take(1)[0]
    t.equal((got.payload, got.headers), ({"message": "no such order"}, {"re": "1", "type": "hub.error"}), "the reply")


@S.check("If nobody subscribed to the request's topic", "The client that asks need not wait")
def a_request_to_nobody_is_refused_at_once(t):
    c = t.open(receipts=True)
    c.subscribe(c.facts["inbox"])
    for number in range(3):
        c.event(t.topic(), 1, {"reply": c.facts["inbox"], "id": "x"})
        c.expect_refused(0, number, "no_subscriber")
    s = t.subscriber(t.topic())
    c.event(t.topic(), 1, {"reply": c.facts["inbox"], "id": "x"})
    c.nothing(REFUSED)
    s.unsubscribe(1)
    s.flush()
    c.event(t.topic(), 1, {"reply": c.facts["inbox"], "id": "x"})
    c.expect_refused(0, 4, "no_subscriber")


@S.check("Only the owner of an inbox may subscribe to it", ("14", "15 | `forbidden`"))
def inboxes_belong_to_their_owners(t):
    c, other = t.open(), t.open()
    inbox = c.facts["inbox"]
    for subscribed in (False, True):
        if subscribed:
            c.subscribe(inbox)
        for options in ({}, {"group": "g"}, {"start": "last"}, {"after": {inbox: [1, 1]}}):
            other.send(SUBSCRIBE, 1, inbox, options)
            other.expect_refused(1, 1, "forbidden")
    for pattern in ("$inbox.*", "$inbox.**", "$inbox"):
        other.send(SUBSCRIBE, 1, pattern, {})
        other.expect_refused(1, 1, "forbidden", "reserved_topic", "bad_filter")
    t.open().event(inbox, 1)
    other.event(inbox, 2)
    other.flush()
    t.equal(other.delivered(other.flush()), [], "what another client got of an inbox")


@S.check("Every client may send to an inbox", "While the owner is not subscribed to its inbox")
def every_client_may_send_to_a_subscribed_inbox(t):
    owner, c = t.open(), t.open(receipts=True)
    inbox = owner.facts["inbox"]
    c.event(inbox, 0)
    c.expect_refused(0, 0, "no_subscriber")
    number, _ = owner.subscribe(inbox)
    c.event(inbox, 1)
    c.until_receipt(2)
    t.equal(owner.take(1)[0].payload, 1, "what came to the inbox")
    owner.unsubscribe(number)
    owner.flush()
    c.event(inbox, 2)
    c.expect_refused(0, 2, "no_subscriber")


@S.check("Every client may send to an inbox")
def what_is_no_name_is_no_inbox(t):
    for bad in (
        "$inbox.*",
        "$inbox.**",
        "$inbox.",
        "$inbox.a b",
        "$inbox.a..b",
        "$inbox." + "x" * 300,
        "$inbox." + ".".join("a" * 33),
    ):
        t.refuses_event("bad_topic", bad, 1)


@S.check("The hub refuses all other topics that start with `$`", ("14", "5 | `reserved_topic`"))
def other_topics_with_a_dollar_are_reserved(t):
    for name in ("$", "$a", "$a.b", "$hub", "$hub.a", "$hub.quarantine.a", "$INBOX.a", "$inboxes.a", "$inbox2"):
        t.refuses_event("reserved_topic", name, 1)
        if not name.startswith("$hub.quarantine"):
            t.refuses_subscribe("reserved_topic", name)
    for pattern in ("$a.*", "$a.**", "$hub.**", "$hub.*"):
        t.refuses_subscribe("reserved_topic", pattern)


@S.check("After a reconnect, the inbox may be another one")
def replies_to_a_lost_connection_are_refused(t):
    instance = os.urandom(16)
    c, service = t.open(instance=instance), t.open()
    inbox = c.facts["inbox"]
    c.subscribe(inbox)
    service.event(inbox, 1)
    c.take(1)
    c.reset()
    refused = 0
    while not refused:  # until the hub has seen that the connection is gone
        service.event(inbox, 2)
        refused = sum(f[0] == REFUSED and f[3] == 8 for f in service.flush())
    again = t.open(instance=instance)
    again.subscribe(again.facts["inbox"])
    service.event(again.facts["inbox"], 3)
    t.equal([d.payload for d in again.take(1)], [3], "what came to the new inbox")


@S.check("Subscriptions with `observe` = true do not count here", "If there is another subscription, they get the request too",
         ("7", "`observe` | bool"))  # fmt: skip
def observers_do_not_answer(t):
    c, watcher = t.open(), t.subscriber(t.topic("*"), observe=True)
    c.subscribe(c.facts["inbox"])
    for number in range(3):
        c.event(t.topic("a"), number, {"reply": c.facts["inbox"], "id": "x"})
        c.expect_refused(0, number, "no_subscriber")
    t.equal(watcher.delivered(watcher.flush()), [], "what an observer gets of refused requests")
    c.event(t.topic("a"), 3)
    t.equal([d.payload for d in watcher.take(1)], [3], "an event that is no request")
    service = t.subscriber(t.topic("a"))
    c.event(t.topic("a"), 4, {"reply": c.facts["inbox"], "id": "x"})
    t.equal([d.payload for d in service.take(1)], [4], "the request at a service")
    t.equal([d.payload for d in watcher.take(1)], [4], "the request at the observer")
    c.nothing(REFUSED)
