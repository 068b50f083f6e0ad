"""Deviations of how the hub reads: the proxy makes good frames out of bad ones, and bad ones out of good ones."""

from . import msgpack
from .deviations import kind, values
from .frames import EVENT, HELLO, NAMES, PING, SUBSCRIBE
from .proxy import Deviation, changed


class Reads(Deviation):
    """Gets each frame of the client, decoded if that is possible."""

    reads_client = True

    def client(self, body):
        try:
            frame = values(body)
        except msgpack.Bad:
            return self.odd(body)
        return self.frame(body, frame)

    def odd(self, body):
        return [body]

    def frame(self, body, frame):
        return [body]


class AcceptsAnyVersion(Reads):
    place, quote = "13", "a HELLO without a version that the hub speaks"

    def frame(self, body, frame):
        return [changed(body, 2, 1)] if frame[0] == HELLO and len(frame) > 2 else [body]


class AcceptsAnyMagicWord(Reads):
    place, quote = "13", "something else than a HELLO with the magic word"

    def frame(self, body, frame):
        return [changed(body, 1, "hub")] if frame[0] == HELLO and len(frame) > 1 else [body]


class IgnoresUnknownOptions(Reads):
    place, quote = "7", "The hub refuses an option that it does not know"
    known = {"overflow", "group", "start", "after", "positions", "window", "keep", "more", "observe", "ack"}

    def frame(self, body, frame):
        if frame[0] == SUBSCRIBE and len(frame) > 3 and isinstance(frame[3], dict):
            return [changed(body, 3, {k: v for k, v in frame[3].items() if k in self.known})]
        return [body]


class IgnoresUnknownFrames(Reads):
    place, quote = "13", "a type that the hub does not know"

    def client(self, body):
        return [body] if kind(body) in NAMES or kind(body) is None or kind(body) > 127 else []


class IgnoresFramesOfTheHub(Reads):
    place, quote = "13", "a frame that only the hub sends"

    def frame(self, body, frame):
        return [] if frame[0] in (2, 4, 6, 8, 9, 10) else [body]


class IgnoresASecondHello(Reads):
    place, quote = "13", "a second HELLO"

    def frame(self, body, frame):
        self.count += frame[0] == HELLO
        return [] if frame[0] == HELLO and self.count > 1 else [body]


class AcceptsNegativeNumbers(Reads):
    place, quote = "1", "The hub refuses a negative number"

    def frame(self, body, frame):
        negative = len(frame) > 1 and isinstance(frame[1], int) and frame[1] < 0
        return [changed(body, 1, -frame[1])] if negative and frame[0] == PING else [body]


class AcceptsFloats(Reads):
    place, quote = "16/PING", "token | uint"

    def frame(self, body, frame):
        return [changed(body, 1, int(frame[1]))] if len(frame) > 1 and isinstance(frame[1], float) else [body]


class AcceptsLongArrays(Reads):
    place, quote = "1", "The array is a fixarray"

    def odd(self, body):
        return [bytes([0x90 | body[2] & 15]) + body[3:]] if body[:2] == b"\xdc\x00" else [body]


class RefusesWideIntegers(Reads):
    place, quote = "1", "It may have any width and any form"

    def frame(self, body, frame):
        signed = any(part[0] in (0xD0, 0xD1, 0xD2, 0xD3) for part in msgpack.elements(body))
        return [changed(body, 1, -1)] if signed and frame[0] in (PING, SUBSCRIBE) else [body]


class AcceptsFurtherElementsOfEvents(Reads):
    place, quote = "15", "EVENT is the exception"

    def frame(self, body, frame):
        if frame[0] == EVENT and len(frame) > 4:
            return [b"\x94" + b"".join(msgpack.elements(body)[:4])]
        return [body]


class RefusesFurtherElements(Reads):
    place, quote = "15", "Ignore elements after the known ones"

    def frame(self, body, frame):
        return [msgpack.pack([PING, -1])] if frame[0] == PING and len(frame) > 2 else [body]


class DropsReservedHeaders(Reads):
    place, quote = "6", "The hub refuses keys that start with `$`"

    def frame(self, body, frame):
        if frame[0] == EVENT and len(frame) == 4 and isinstance(frame[3], dict):
            if any(isinstance(k, str) and k.startswith("$") for k in frame[3]):
                return [changed(body, 3, {k: v for k, v in frame[3].items() if not k.startswith("$")})]
        return [body]


class RequestsAreOrdinaryEvents(Reads):
    place, quote = "9", "If nobody subscribed to the request's topic"

    def frame(self, body, frame):
        if (
            frame[0] == EVENT
            and len(frame) == 4
            and isinstance(frame[3], dict)
            and isinstance(frame[3].get("reply"), str)
        ):
            return [changed(body, 3, {k: v for k, v in frame[3].items() if k != "reply"})]
        return [body]


class TopicsInLowerCase(Reads):
    place, quote = "5", "Case matters"

    def frame(self, body, frame):
        lower = frame[0] == EVENT and len(frame) > 1 and isinstance(frame[1], str) and frame[1] != frame[1].lower()
        return [changed(body, 1, frame[1].lower())] if lower else [body]


class OneStarMatchesMore(Reads):
    place, quote = "5", "`*` | exactly one token"

    def frame(self, body, frame):
        star = frame[0] == SUBSCRIBE and len(frame) > 2 and isinstance(frame[2], str) and frame[2].endswith(".*")
        return [changed(body, 2, frame[2] + "*")] if star else [body]


class StartAndAfterTogether(Reads):
    place, quote = "7", "A SUBSCRIBE may have `start` or `after`"

    def frame(self, body, frame):
        if (
            frame[0] == SUBSCRIBE
            and len(frame) > 3
            and isinstance(frame[3], dict)
            and {"start", "after"} <= set(frame[3])
        ):
            return [changed(body, 3, {k: v for k, v in frame[3].items() if k != "start"})]
        return [body]


class IgnoresTheInstance(Reads):
    place, quote = "12", "`resumed` is true"

    def frame(self, body, frame):
        if frame[0] == HELLO and len(frame) > 3 and isinstance(frame[3], dict):
            return [changed(body, 3, {k: v for k, v in frame[3].items() if k != "instance"})]
        return [body]


class ReceiptsForEverybody(Reads):
    place, quote = "6", "The hub sends receipts only if HELLO"

    def frame(self, body, frame):
        good = frame[0] == HELLO and len(frame) > 3 and isinstance(frame[3], dict)
        return [changed(body, 3, frame[3] | {"receipts": True})] if good else [body]


class EverybodyDropsTheOldest(Reads):
    place, quote = "7", "`block` | Drops nothing"

    def frame(self, body, frame):
        if (
            frame[0] == SUBSCRIBE
            and len(frame) > 3
            and isinstance(frame[3], dict)
            and frame[3].get("overflow") == "block"
        ):
            return [changed(body, 3, frame[3] | {"overflow": "drop-oldest"})]
        return [body]


class DropsTheNewestUnlessTold(Reads):
    place, quote = "7", "`overflow` | str"

    def frame(self, body, frame):
        if frame[0] == SUBSCRIBE and len(frame) > 3 and isinstance(frame[3], dict):
            return [changed(body, 3, {"overflow": "drop-newest"} | frame[3])]
        return [body]


class GroupsAreNoGroups(Reads):
    place, quote = "7", "Each event of a topic then goes to one member"

    def frame(self, body, frame):
        if frame[0] == SUBSCRIBE and len(frame) > 3 and isinstance(frame[3], dict) and frame[3].get("group"):
            return [changed(body, 3, {k: v for k, v in frame[3].items() if k != "group"})]
        return [body]


class TakesNoHalfClose(Reads):
    place, quote = "11", "It sends CLOSE with code 200, or only shuts"

    def half_close(self, stream):
        pass
