"""Section 3: a connection from its start to its end."""

from suite.check import Section
from suite.frames import CLOSE, EVENT, HELLO, PING, PONG, RECEIPT, REFUSED, RUN, SUBSCRIBE, SUBSCRIBED, WELCOME

S = Section("3")


@S.check("After WELCOME, a client may send everything")
def everything_is_sent_without_waiting(t):
    c, topic = t.connect(), t.topic("placed")
    c.send(HELLO, "hub", 1, {"receipts": True})
    c.facts_from(c.expect(WELCOME, 1))
    c.send_all([
        [SUBSCRIBE, 1, t.topic("*"), {}], [EVENT, topic, 0], [EVENT, "not a topic", 1], [EVENT, topic, 2],
        [PING, 7], [CLOSE, 200, "done", None],
    ])  # fmt: skip
    seen = []
    while frame := c.read():
        seen.append(frame)
    kinds = [frame[0] for frame in seen]
    t.equal(kinds.count(SUBSCRIBED), 1, "the number of SUBSCRIBED")
    t.equal([d.payload for d in c.delivered(seen)], [0, 2], "the payloads")
    t.equal([f[1:4] for f in seen if f[0] == REFUSED], [[0, 1, 4]], "the refusals")
    t.equal([f[1] for f in seen if f[0] == RECEIPT][-1], 3, "the last receipt")
    t.true(kinds.index(PONG) < kinds.index(CLOSE) == len(kinds) - 1, "PONG, and CLOSE at the end")
    t.true(RUN in kinds, "the events came without RUN")
