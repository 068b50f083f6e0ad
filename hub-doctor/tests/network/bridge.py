"""Passes packets between two interfaces, each after a time.

    bridge.py INTERFACE INTERFACE MILLISECONDS
"""

import heapq
import select
import socket
import sys
import time

ALL = 0x0003
ends = []
for name in sys.argv[1:3]:
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL))
    end.bind((name, 0))
    ends.append(end)
delay = float(sys.argv[3]) / 1000
waiting = []
count = 0
print("ready", flush=True)
while True:
    pause = max(0, waiting[0][0] - time.monotonic()) if waiting else None
    for end in select.select(ends, [], [], pause)[0]:
        packet, address = end.recvfrom(65536)
        # What this machine sent itself is seen, too.
        if address[2] != socket.PACKET_OUTGOING:
            other = ends[1 - ends.index(end)]
            count += 1
            heapq.heappush(waiting, (time.monotonic() + delay, count, other, packet))
    while waiting and waiting[0][0] <= time.monotonic():
        _, _, other, packet = heapq.heappop(waiting)
        try:
            other.send(packet)
        except OSError as error:
            print(error, len(packet), file=sys.stderr)
