"""Mounts a file system with one file that hangs on demand.

Usage: hanging_mount.py FOLDER NAME FILE

FOLDER/NAME then has the contents of FILE, as they are when somebody opens it. The script prints "mounted",
and reads its standard input. After the line "hang" it takes requests and answers none of them, as a file
server does whose disk has failed. After "answer" it answers the requests that wait, and all further ones.
It ends, and unmounts, at the end of its standard input. It exits with 77 if it may not mount.

It speaks the protocol of /dev/fuse itself, so that a test needs no package.
"""

import ctypes
import errno
import os
import select
import stat
import struct
import sys

LOOKUP, FORGET, GETATTR, STATFS, OPEN, READ, RELEASE = 1, 2, 3, 17, 14, 15, 18
FLUSH, INIT, OPENDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET = 25, 26, 27, 29, 36, 42
DETACH = 2


def attributes(inode, path):
    """Returns the bytes of `struct fuse_attr`."""
    if inode == 1:
        size, seconds, mode = 0, 0, stat.S_IFDIR | 0o755
    else:
        found = os.stat(path)
        size, seconds, mode = found.st_size, int(found.st_mtime), stat.S_IFREG | 0o644
    return struct.pack("<6Q10I", inode, size, 0, seconds, seconds, seconds, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def answer_to(opcode, node, body, name, path):
    """Returns an error number and the bytes of the answer, or None if the request has none."""
    if opcode == INIT:
        return 0, struct.pack("<IIIIHHIIHHI7I", 7, 31, 65536, 0, 16, 12, 65536, 1, 1, 0, 0, *[0] * 7)
    if opcode in (FORGET, BATCH_FORGET, INTERRUPT):
        return None
    if opcode == LOOKUP:
        if body.rstrip(b"\0") != name:
            return errno.ENOENT, b""
        return 0, struct.pack("<4Q2I", 2, 0, 0, 0, 0, 0) + attributes(2, path)
    if opcode == GETATTR:
        return 0, struct.pack("<QII", 0, 0, 0) + attributes(node, path)
    if opcode in (OPEN, OPENDIR):
        return 0, struct.pack("<QII", 1, 1, 0)  # without the cache of the kernel
    if opcode == READ:
        _, offset, size = struct.unpack_from("<QQI", body)
        with open(path, "rb") as file:
            file.seek(offset)
            return 0, file.read(size)
    if opcode == STATFS:
        return 0, struct.pack("<5Q4I6I", *[0] * 5, 4096, 255, 4096, 0, *[0] * 6)
    if opcode in (RELEASE, RELEASEDIR, FLUSH):
        return 0, b""
    return errno.ENOSYS, b""


def main():
    folder, name, path = sys.argv[1].encode(), sys.argv[2].encode(), sys.argv[3]
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        fuse = os.open("/dev/fuse", os.O_RDWR)
    except OSError:
        return 77
    options = f"fd={fuse},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()},allow_other"
    if libc.mount(b"hanging", folder, b"fuse.hanging", 6, options.encode()) != 0:
        return 77
    hangs, waiting = False, []

    def answer(request):
        _, opcode, unique, node = struct.unpack_from("<IIQQ", request)
        found = answer_to(opcode, node, request[40:], name, path)
        if found is not None:
            number, body = found
            try:
                os.write(fuse, struct.pack("<IiQ", 16 + len(body), -number, unique) + body)
            except OSError:
                pass  # whoever asked has given up

    told = False
    try:
        while True:
            ready, _, _ = select.select([fuse, 0], [], [])
            if fuse in ready:
                request = os.read(fuse, 1 << 20)
                if hangs:
                    waiting.append(request)
                else:
                    answer(request)
                if not told:
                    told = True
                    print("mounted", flush=True)
            if 0 in ready:
                line = os.read(0, 4096)
                if not line:
                    return 0
                said = line.split()  # the end of a line may come alone
                hangs = said[-1] == b"hang" if said else hangs
                if not hangs:
                    for request in waiting:
                        answer(request)
                    waiting = []
    finally:
        libc.umount2(folder, DETACH)


sys.exit(main())
