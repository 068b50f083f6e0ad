"""A name server that knows one name.

    dns.py LISTEN-ADDRESS SECONDS NAME ADDRESSES [ADDRESSES...]

It waits for SECONDS before each answer. ADDRESSES are IPv4 addresses with commas in between; with several
of them, each question for an IPv4 address gets the next. All other names do not exist.
"""

import itertools
import socket
import struct
import sys
import time

A = 1
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((sys.argv[1], 53))
pause, known = float(sys.argv[2]), sys.argv[3]
turns = itertools.cycle(sys.argv[4:])
print("ready", flush=True)
while True:
    question, client = server.recvfrom(512)
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode())
        at += 1 + question[at]
    kind = struct.unpack("!H", question[at + 1 : at + 3])[0]
    exists = ".".join(labels).lower() == known
    records = next(turns).split(",") if exists and kind == A else []
    # An answer to a query, recursion available; code 3 says that the name does not exist.
    flags = 0x8180 if exists else 0x8183
    answer = question[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0)
    answer += question[12 : at + 5]
    for record in records:
        # The name is the one at byte 12. It is valid for no time, so nobody remembers it.
        answer += struct.pack("!HHHIH", 0xC00C, A, 1, 0, 4) + socket.inet_aton(record)
    time.sleep(pause)
    server.sendto(answer, client)
