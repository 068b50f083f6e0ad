"""The frames, their codes, and the schema that every frame of the hub must fit."""

HELLO, WELCOME, EVENT, RUN, SUBSCRIBE, SUBSCRIBED, UNSUBSCRIBE = range(1, 8)
RECEIPT, REFUSED, GAP, PING, PONG, CLOSE, TAKEN = range(8, 15)
ACK, RESUME = 15, 16

NAMES = {
    1: "HELLO", 2: "WELCOME", 3: "EVENT", 4: "RUN", 5: "SUBSCRIBE", 6: "SUBSCRIBED", 7: "UNSUBSCRIBE",
    8: "RECEIPT", 9: "REFUSED", 10: "GAP", 11: "PING", 12: "PONG", 13: "CLOSE", 14: "TAKEN", 15: "ACK", 16: "RESUME",
}  # fmt: skip

CLOSES = {
    "going_away": 100, "slow_consumer": 101, "silent": 102, "overloaded": 103, "internal": 104,
    "rights_changed": 105, "too_many_connections": 106, "normal": 200, "protocol_error": 201,
    "unsupported_version": 202, "unauthorized": 203, "handshake_timeout": 204, "frame_too_large": 205,
    "replaced": 206, "policy": 207,
}  # fmt: skip

REFUSALS = {
    "malformed": 1, "too_deep": 2, "too_many_elements": 3, "bad_topic": 4, "reserved_topic": 5,
    "bad_header": 6, "reserved_header": 7, "no_subscriber": 8, "bad_filter": 9, "bad_option": 10,
    "duplicate_subscription": 11, "unknown_subscription": 12, "too_many_subscriptions": 13,
    "unknown_frame": 14, "forbidden": 15, "too_many_topics": 16, "rejected": 17, "quarantined": 18,
    "overloaded": 19, "self_blocked": 20, "not_held": 21,
}  # fmt: skip

GAPS = {"overflow": 1, "conflated": 2, "away": 3, "new_epoch": 4, "given_up": 5}


def uint(most=2**64 - 1):
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and 0 <= v <= most


def text(value):
    return isinstance(value, str)


def nil_or(kind):
    return lambda v: v is None or kind(v)


def anything(_):
    return True


def mapping(value):
    return isinstance(value, dict)


def ids(value):
    """The subscriptions that a RUN or GAP is for: at least one, and each of them once."""
    return isinstance(value, list) and all(map(uint(), value)) and 0 < len(value) == len(set(value))


CODE = uint(65_535)
EPOCH = uint(2**32 - 1)

# The elements behind the type, for the frames that the hub sends: (name, what it must be).
SCHEMA = {
    WELCOME: [("version", uint()), ("facts", mapping)],
    EVENT: [("topic", text), ("payload", anything)],
    RUN: [
        ("topic", text), ("epoch", EPOCH), ("first", uint()), ("count", uint(2**32 - 1)),
        ("publisher", text), ("time_ms", uint()), ("subscriptions", ids),
    ],
    SUBSCRIBED: [("id", uint())],
    RECEIPT: [("next", uint())],
    REFUSED: [
        ("what", uint()), ("number", uint()), ("code", CODE), ("message", text),
        ("rule", nil_or(text)), ("path", nil_or(text)), ("id", nil_or(text)),
    ],
    GAP: [
        ("topic", text), ("epoch", uint()), ("from", uint()), ("to", nil_or(uint())), ("reason", CODE),
        ("subscriptions", ids),
    ],
    PING: [("token", uint())],
    PONG: [("token", uint())],
    CLOSE: [("code", CODE), ("reason", text), ("retry_after_ms", nil_or(uint()))],
}  # fmt: skip

FACTS = {
    "hub": lambda v: isinstance(v, bytes) and len(v) == 16,
    "connection": uint(), "resumed": lambda v: isinstance(v, bool), "received": uint(), "publisher": text,
    "inbox": text, "max_frame": uint(), "max_depth": uint(64), "max_elements": uint(),
    "kept": lambda v: isinstance(v, bool), "keepalive_ms": uint(), "time_ms": uint(),
}  # fmt: skip


def fault(frame):
    """What is wrong with a frame of the hub, or nothing. Further elements at its end are allowed."""
    kind = frame[0]
    if isinstance(kind, bool) or not isinstance(kind, int) or not 0 <= kind <= 127:
        return "the type is no positive fixint"
    if kind not in SCHEMA:
        return "the hub sent a frame that only clients send" if kind in NAMES else None
    schema = SCHEMA[kind]
    if len(frame) <= len(schema):
        return f"{NAMES[kind]} has {len(frame)} elements"
    for (name, good), value in zip(schema, frame[1:]):
        if not good(value):
            return f"`{name}` of {NAMES[kind]} is {value!r}"
    if kind == WELCOME:
        for name, good in FACTS.items():
            if name not in frame[2] or not good(frame[2][name]):
                return f"the fact `{name}` of WELCOME is {frame[2].get(name, 'missing')!r}"
    if kind == RUN and len(frame) > 8 and not uint()(frame[8]):
        return f"`attempt` of RUN is {frame[8]!r}"
    if kind == EVENT and (len(frame) > 4 or len(frame) == 4 and not mapping(frame[3])):
        return "EVENT has more than 4 elements, or headers that are no map"
    return None


def show(frame):
    """A frame for people, shortened."""
    shown = ", ".join(repr(part)[:80] for part in frame[1:])
    return f"{NAMES.get(frame[0], frame[0])} [{shown[:300]}]"
