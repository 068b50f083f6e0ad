"""Turns off what an interface leaves to its card, so that packets look as they do on a wire.

    offload.py INTERFACE
"""

import array
import fcntl
import socket
import struct
import sys

SIOCETHTOOL = 0x8946
# Set commands of ethtool: checksums, scatter-gather, TCP segmentation, generic segmentation, generic receive.
COMMANDS = [0x17, 0x19, 0x1F, 0x24, 0x2C]

control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for command in COMMANDS:
    value = array.array("B", struct.pack("II", command, 0))
    address, _ = value.buffer_info()
    request = struct.pack("16sP", sys.argv[1].encode(), address).ljust(40, b"\0")
    try:
        fcntl.ioctl(control, SIOCETHTOOL, request)
    except OSError as error:
        # A kernel may refuse to turn off one of them after another that includes it.
        print(f"{sys.argv[1]}: {command:#x}: {error}", file=sys.stderr)
