"""Measures how fast `hub inspect` reads a capture, beside tshark and tcptrace on the same file:

    python3 bench/inspect.py CAPTURE [HUB]

Each program runs three times, in turns, with its output to /dev/null. The figure is the processor time of the
fastest run, so that other work on the machine counts little. `hub inspect` checks every checksum, puts the
streams together and reads the hub's frames; the other two do not.
"""

import os
import shutil
import subprocess
import sys

capture = sys.argv[1]
hub = sys.argv[2] if len(sys.argv) > 2 else "target/dist/hub"
megabytes = os.path.getsize(capture) / 1e6
commands = {
    "hub inspect --figures": [hub, "inspect", capture, "--figures"],
    "hub inspect": [hub, "inspect", capture],
    "hub inspect --json": [hub, "inspect", capture, "--json"],
    "tshark -q -z conv,tcp": ["tshark", "-q", "-z", "conv,tcp", "-r", capture],
    "tcptrace -n": ["tcptrace", "-n", capture],
}
best = {}
for _ in range(3):
    for name, command in commands.items():
        if not shutil.which(command[0]):
            continue
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(process.pid, 0)
        seconds = usage.ru_utime + usage.ru_stime
        best[name] = min(best.get(name, (seconds, usage.ru_maxrss)), (seconds, usage.ru_maxrss))
print(f"{capture}: {megabytes:.0f} MB")
for name, (seconds, kib) in best.items():
    print(f"{name:24} {megabytes / seconds:7.0f} MB/s  {seconds:6.2f} s  {kib / 1024:5.0f} MiB")
