"""MessagePack: a strict decoder, and an encoder that can also write every unusual form.

The suite has its own, because libraries hide what the protocol is about: which form an integer has, whether
a key comes twice, and where a value ends.
"""

import struct

OUTSIDE = "the value ends outside of its bytes"


class Bad(ValueError):
    """Bytes that are not MessagePack, or not one value."""


class Raw(bytes):
    """Bytes that `pack` writes as they are, in the place of a value."""


class Ext(tuple):
    """An extension value: its type and its bytes."""


def pack(value):
    """Writes a value in its shortest form. A `Raw` anywhere inside is written as it is."""
    if isinstance(value, Raw):
        return bytes(value)
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return _pack_int(value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        data = value.encode()
        return _head(len(data), (31, 0xA0), (0xD9, 0xDA, 0xDB)) + data
    if isinstance(value, (bytes, bytearray)):
        return _head(len(value), None, (0xC4, 0xC5, 0xC6)) + bytes(value)
    if isinstance(value, (list, tuple)):
        return _head(len(value), (15, 0x90), (None, 0xDC, 0xDD)) + b"".join(map(pack, value))
    if isinstance(value, dict):
        return _map_head(len(value)) + b"".join(pack(k) + pack(v) for k, v in value.items())
    raise TypeError(f"cannot write {type(value).__name__}")


def _pack_int(value):
    if value >= 0:
        if value < 128:
            return bytes([value])
        return _head(value, None, (0xCC, 0xCD, 0xCE, 0xCF))
    for code, width, form in ((0xD0, 1, ">b"), (0xD1, 2, ">h"), (0xD2, 4, ">i"), (0xD3, 8, ">q")):
        if value >= -32:
            return struct.pack(">b", value)
        if value >= -(1 << (8 * width - 1)):
            return bytes([code]) + struct.pack(form, value)
    raise OverflowError(value)


def _head(size, short, codes):
    """The shortest of the forms with which a value of this size begins."""
    if short and size <= short[0]:
        return bytes([short[1] | size])
    for code, form, most in zip(codes, (">B", ">H", ">I", ">Q"), (0xFF, 0xFFFF, 0xFFFFFFFF, 2**64 - 1)):
        if code is not None and size <= most:
            return bytes([code]) + struct.pack(form, size)
    raise OverflowError(size)


def _map_head(size):
    return _head(size, (15, 0x80), (None, 0xDE, 0xDF))


# The unusual forms. Each returns a Raw.

INTEGERS = {
    "uint8": (0xCC, ">B"), "uint16": (0xCD, ">H"), "uint32": (0xCE, ">I"), "uint64": (0xCF, ">Q"),
    "int8": (0xD0, ">b"), "int16": (0xD1, ">h"), "int32": (0xD2, ">i"), "int64": (0xD3, ">q"),
    "float32": (0xCA, ">f"), "float64": (0xCB, ">d"),
}  # fmt: skip


def number(form, value):
    """A number in the form with this name, such as int16."""
    code, layout = INTEGERS[form]
    return Raw(bytes([code]) + struct.pack(layout, value))


def sized(code, width, data, size=None):
    """A str, bin or ext head with a length of 1, 2 or 4 bytes, and then these bytes."""
    size = len(data) if size is None else size
    return Raw(bytes([code]) + struct.pack({1: ">B", 2: ">H", 4: ">I"}[width], size) + data)


def text(width, value):
    """A str whose length takes 1, 2 or 4 bytes. The value may be bytes that are not UTF-8."""
    data = value.encode() if isinstance(value, str) else value
    return sized({1: 0xD9, 2: 0xDA, 4: 0xDB}[width], width, data)


def ext(kind, data):
    """An extension value with its length in one byte."""
    return Raw(b"\xc7" + bytes([len(data), kind & 0xFF]) + data)


def array(width, values):
    """An array whose count takes 2 or 4 bytes."""
    head = {2: b"\xdc", 4: b"\xdd"}[width] + struct.pack({2: ">H", 4: ">I"}[width], len(values))
    return Raw(head + b"".join(map(pack, values)))


def pairs(entries, width=0):
    """A map from a list of pairs, so that a key may come twice. Its count takes 0, 2 or 4 bytes."""
    head = _map_head(len(entries))
    if width:
        head = {2: b"\xde", 4: b"\xdf"}[width] + struct.pack({2: ">H", 4: ">I"}[width], len(entries))
    return Raw(head + b"".join(pack(k) + pack(v) for k, v in entries))


def unpack(data):
    """Reads exactly one value, strictly: UTF-8, no key twice, no byte after the value."""
    value, end = read(data, 0)
    if end != len(data):
        raise Bad(f"{len(data) - end} bytes follow the value")
    return value


def elements(body):
    """The elements of a frame, each as its own bytes."""
    if not body or not 0x91 <= body[0] <= 0x9F:
        raise Bad("a frame is a fixarray of 1 to 15 elements")
    parts, at = [], 1
    for _ in range(body[0] & 15):
        _, end = read(body, at)
        parts.append(body[at:end])
        at = end
    if at != len(body):
        raise Bad(f"{len(body) - at} bytes follow the frame's array")
    return parts


def read(data, at, depth=0):
    """Reads the value that begins at this byte. Returns the value, and where the next one begins."""
    if at >= len(data):
        raise Bad(OUTSIDE)
    if depth > 100:
        raise Bad("nested deeper than 100")
    code, at = data[at], at + 1
    if code < 0x80:
        return code, at
    if code >= 0xE0:
        return code - 256, at
    if code < 0x90:
        return _read_map(data, at, code & 15, depth)
    if code < 0xA0:
        return _read_array(data, at, code & 15, depth)
    if code < 0xC0:
        return _read_text(data, at, code & 31)
    if code in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[code], at
    for number_code, layout in INTEGERS.values():
        if code == number_code:
            raw, at = _take(data, at, struct.calcsize(layout))
            return struct.unpack(layout, raw)[0], at
    if 0xD4 <= code <= 0xD8:
        return _read_ext(data, at, 1 << (code - 0xD4))
    for codes, reader in (
        ((0xC4, 0xC5, 0xC6), _take), ((0xC7, 0xC8, 0xC9), _read_ext), ((0xD9, 0xDA, 0xDB), _read_text),
        ((None, 0xDC, 0xDD), _read_array), ((None, 0xDE, 0xDF), _read_map),
    ):  # fmt: skip
        if code in codes:
            width = (1, 2, 4)[codes.index(code)]
            raw, at = _take(data, at, width)
            size = int.from_bytes(raw, "big")
            return reader(data, at, size, depth) if reader in (_read_array, _read_map) else reader(data, at, size)
    raise Bad(f"the byte {code:#04x} begins no value")


def _take(data, at, size):
    if at + size > len(data):
        raise Bad(OUTSIDE)
    return data[at : at + size], at + size


def _read_text(data, at, size):
    raw, at = _take(data, at, size)
    try:
        return raw.decode("utf-8"), at
    except UnicodeDecodeError as error:
        raise Bad(f"text that is not UTF-8: {error}") from None


def _read_ext(data, at, size):
    raw, at = _take(data, at, size + 1)
    return Ext((raw[0], raw[1:])), at


def _read_array(data, at, size, depth):
    values = []
    for _ in range(size):
        value, at = read(data, at, depth + 1)
        values.append(value)
    return values, at


def _read_map(data, at, size, depth):
    values, seen = {}, set()
    for _ in range(size):
        key_at = at
        key, at = read(data, at, depth + 1)
        # A key comes twice if it has the same type and value, in whatever form; True is not 1.
        mark = (type(key), key) if isinstance(key, (str, int, bytes, float)) else bytes(data[key_at:at])
        if mark in seen:
            raise Bad(f"the key {key!r} comes twice")
        seen.add(mark)
        value, at = read(data, at, depth + 1)
        values[repr(key) if isinstance(key, (list, dict)) else key] = value
    return values, at
