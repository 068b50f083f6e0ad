"""Frames and captures for `.ci/wireshark`: MessagePack, the examples of PROTOCOL.md, and hostile bytes."""
import pathlib
import random
import re
import struct

PROTOCOL = (pathlib.Path(__file__).resolve().parent.parent / 'PROTOCOL.md').read_text()


def pack(value):
    if value is None or isinstance(value, bool):
        return {None: b'\xc0', False: b'\xc2', True: b'\xc3'}[value]
    if isinstance(value, int):
        return bytes([value]) if 0 <= value < 128 else b'\xd3' + struct.pack('>q', value)
    if isinstance(value, str):
        text = value.encode()
        return b'\xdb' + struct.pack('>I', len(text)) + text
    if isinstance(value, bytes):
        return b'\xc4' + bytes([len(value)]) + value
    if isinstance(value, list):
        return bytes([0x90 + len(value)]) + b''.join(map(pack, value))
    return bytes([0x80 + len(value)]) + b''.join(pack(key) + pack(each) for key, each in value.items())


def frame(*elements):
    body = pack(list(elements))
    return struct.pack('>I', len(body)) + body


def capture_of(file, streams, port=4820):
    """Writes a capture of raw IP packets. Each stream is a list of (from the client, bytes)."""
    with open(file, 'wb') as out:
        out.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        for number, stream in enumerate(streams):
            sequence = {True: 1, False: 1}
            segments = [(from_client, data[at:at + 60000]) for from_client, data in stream for at in range(0, len(data), 60000)]
            for from_client, data in segments:
                ports = (10000 + number, port) if from_client else (port, 10000 + number)
                tcp = struct.pack('>HHIIBBHHH', *ports, sequence[from_client], sequence[not from_client], 0x50, 0x18, 65535, 0, 0)
                ip = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 40 + len(data), 1, 0, 64, 6, 0, b'\x7f\0\0\x01', b'\x7f\0\0\x01')
                packet = ip + tcp + data
                out.write(struct.pack('<IIII', number, 0, len(packet), len(packet)) + packet)
                sequence[from_client] += len(data)


def examples():
    """The examples of PROTOCOL.md: (name of the frame, its bytes)."""
    blocks = re.findall(r'```hex\n(.*?)```\n```text\n(\w+)', PROTOCOL, re.S)
    return [(name, bytes.fromhex(text)) for text, name in blocks]


def cut_packets(file, cut):
    """Copies a capture with cut packets, as with a small snapshot length of tcpdump."""
    data, place = file.read_bytes(), 24
    with open(cut, 'wb') as out:
        out.write(data[:24])
        while place < len(data):
            size = struct.unpack('<I', data[place + 8:place + 12])[0]
            kept = min(size, 40 + size % 23)
            out.write(data[place:place + 8] + struct.pack('<II', kept, size) + data[place + 16:place + 16 + kept])
            place += 16 + size


def hostile(seed):
    """Streams of bytes that no program should send."""
    draw = random.Random(seed)
    good = [data for _, data in examples()]
    hello, welcome = good[0], good[1]
    body = lambda data: struct.pack('>I', len(data)) + data
    lies = [
        *(struct.pack('>I', length) + b'\x94\x03\xa1t' for length in (0, 1, 5, 4096, 2 ** 24, 2 ** 28, 2 ** 28 + 1, 2 ** 31, 2 ** 32 - 1)),
        *(body(b'\x93\x03\xa1t' + data) for data in (
            b'\x91' * 5000, b'\x81' * 5000, b'\x92\xc0' * 3000, b'\xdd\xff\xff\xff\xff' * 500, b'\xdf\xff\xff\xff\xff' * 500,
            b'\xdd\xff\xff\xff\xff' + b'\x01' * 100000, b'\xdb\xff\xff\xff\xffx', b'\xc6\xff\xff\xff\xff', b'\xc9\xff\xff\xff\xff', b'\xc1', b'',
            b'\xa5\xff\xfe\x00\x1b\x9b', b'\xcb\x7f\xf8' + bytes(6), b'\xca\xff\x80\0\0', b'\xcb' + bytes(7) + b'\1', b'\xd3\x80' + bytes(7))),
        *(body(bytes([0x90 + count, kind]) + value * (count - 1)) for kind in range(19) for count in (1, 2, 8, 15)
          for value in (b'\xc0', b'\xcf' + b'\xff' * 8, b'\xff', b'\xa0', b'\xc4\0', b'\x81\xa0\xc0', b'\x90')),
        *(body(b'\x93\x02\x01\x81' + key + value) for key in (b'\xa9max_frame', b'\xa8received', b'\xa7time_ms', b'\xa3hub', b'\xc0')
          for value in (b'\xc0', b'\0', b'\xcf' + b'\xff' * 8, b'\xc4\0', b'\x91\x01')),
        *(body(b'\x94\x05\x01\xa1t\x81' + option) for option in (
            b'\xa6window\x01', b'\xa6window\x90', b'\xa6window\x92\x01', b'\xa6window\x92\xc0\xa0', b'\xa6window\xdd\xff\xff\xff\xff\x01',
            b'\xa3ack\x90', b'\xa3ack\x81\xc0\x01', b'\xa3ack\x81\xa8attempts\xa0', b'\xa3ack\xdf\xff\xff\xff\xff', b'\xa3ack\x81\xa3ack' * 100)),
        *(body(b'\x98\x04\xa1t\1\1\1\xa1p\1' + list_of) for list_of in (
            b'\xdd\xff\xff\xff\xff\x01', b'\xdc\xff\xff' + b'\x01' * 65535, b'\x92\x01\xa0', b'\x91\x91\x01')),
        *(body(b'\x94\x01\xa3hub' + versions + b'\x80') for versions in (b'\x90', b'\x92\x01', b'\x92\xa0\xc0', b'\xdd\xff\xff\xff\xff\x01')),
        body(b'\x92\x08\xcf' + b'\xff' * 8), b'\x16\x03\x01\x02\x00\x01', b'GET / HTTP/1.1\r\n\r\n', b'\0', b'\0\0\0',
    ]
    for lie in lies:
        yield [(True, lie)]
        yield [(True, hello), (False, welcome), (True, lie), (False, lie), (True, good[2])]
    for _ in range(400):
        stream = [(True, hello), (False, welcome)] if draw.random() < 0.7 else []
        for _ in range(draw.randrange(1, 6)):
            data = bytearray(b''.join(draw.choices(good, k=draw.randrange(1, 6))))
            for _ in range(draw.randrange(0, 6)):
                place = draw.randrange(len(data))
                change = draw.randrange(4)
                if change == 0:
                    data[place] = draw.choice([0, 1, 0x7f, 0x80, 0x90, 0xc0, 0xdd, 0xdf, 0xff, draw.randrange(256)])
                elif change == 1:
                    del data[place:place + draw.randrange(1, 9)]
                elif change == 2:
                    data[place:place] = draw.randbytes(draw.randrange(1, 9))
                else:
                    data[place:] = data[place:] + data[:place]
                data = data or bytearray(1)
            if draw.random() < 0.1:
                data = draw.randbytes(draw.randrange(1, 2000))
            cut = draw.randrange(len(data)) if draw.random() < 0.3 else 0
            stream += [(draw.random() < 0.5, bytes(part)) for part in (data[:cut], data[cut:]) if part]
        yield stream
