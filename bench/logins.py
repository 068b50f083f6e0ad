#!/usr/bin/env python3
"""Measures how long good logins take while one address floods a hub with wrong ones.

    cargo build --release -p hub-cli --locked
    python3 bench/logins.py target/release/hub                       # 3,000 a second, for a minute
    python3 bench/logins.py target/release/hub --rate 500 --seconds 10

The script starts the hub with an access file of its own. Good logins come from 127.0.0.1, each by an identity
that has not logged in before, so the hub has to hash each password. Wrong logins come from 127.0.0.2 at a
fixed rate, whatever becomes of them. A third of them are reset as soon as they are sent, a third stay open until
the hub ends them, and a third are closed after the answer. The flood is a process of lower priority, so that on
a small machine the hub is measured, and not the generator. Ends with status 1 if the median or the 95th
percentile of the good logins is more than three times the undisturbed one.
"""

import argparse
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

PASSWORD = "a long enough password"
UNDISTURBED = 10.0
EVERY = 0.2


def hello(user, password):
    """HELLO with a name and a password, as one frame."""

    def text(value):
        return b"\xd9" + bytes([len(value)]) + value.encode()

    credentials = b"\x82" + text("user") + text(user) + text("password") + text(password)
    body = b"\x94\x01\xa3hub\x01\x81" + text("credentials") + credentials
    return struct.pack(">I", len(body)) + body


class Hub:
    def __init__(self, binary, good, slow):
        self.folder = tempfile.TemporaryDirectory()
        made = subprocess.run(
            [binary, "token", "hash-password"], input=PASSWORD, capture_output=True, text=True, check=True
        )
        digest = next(word for word in made.stdout.replace('"', " ").split() if word.startswith("$argon2id"))
        if slow:  # the most expensive hash that an access file may have; no password fits it
            slow = "$argon2id$v=19$m=65536,t=4,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + 43 * "A"
        lines = ['[roles.all]\npublish.allow = "**"\nsubscribe.allow = "**"\n']
        for n in range(good):
            lines.append(f'[identities.good-{n}]\nroles = "all"\npassword = "{digest}"\n')
        for n in range(100):
            lines.append(f'[identities.guessed-{n}]\nroles = "all"\npassword = "{slow or digest}"\n')
        access = Path(self.folder.name) / "access.toml"
        access.write_text("".join(lines))
        self.process = subprocess.Popen(
            [binary, "serve", "--listen=127.0.0.1:0", "--http=127.0.0.1:0", "--log=off", f"--access={access}"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        address = self.process.stdout.readline().split("clients ")[1].split(",")[0].split("//")[1]
        host, port = address.rsplit(":", 1)
        self.address = (host, int(port))

    def end(self):
        self.process.terminate()
        self.process.wait()


def log_in(address, number):
    """Logs in, and returns how long that took in milliseconds, or None if the hub did not let it in."""
    start = time.monotonic()
    try:
        with socket.create_connection(address, timeout=10) as stream:
            stream.sendall(hello(f"good-{number}", PASSWORD))
            answer = stream.recv(65536)
    except OSError:
        return None
    took = (time.monotonic() - start) * 1000
    return took if len(answer) > 5 and answer[5] == 2 else None


def log_in_for(address, numbers, seconds):
    times, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        begun = time.monotonic()
        times.append(log_in(address, next(numbers)))
        time.sleep(max(0.0, EVERY - (time.monotonic() - begun)))
    return times


def flood(address, rate, seconds, seed):
    """Opens `rate` connections a second with wrong passwords, and says what became of them."""
    os.nice(19)
    draw, counts, open_now, poll = random.Random(seed), Counter(), {}, select.epoll()
    start = time.monotonic()
    while (now := time.monotonic() - start) < seconds:
        while counts["begun"] < now * rate:
            counts["begun"] += 1
            stream = socket.socket()
            stream.setblocking(False)
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            stream.bind(("127.0.0.2", 0))
            stream.connect_ex(address)
            open_now[stream.fileno()] = [stream, draw.choice(("reset", "stays", "closes"))]
            poll.register(stream, select.EPOLLOUT)
        for number, events in poll.poll(0.001, 1024):
            stream, kind = open_now[number]
            done = False
            try:
                if events & select.EPOLLOUT:
                    stream.send(hello(f"guessed-{draw.randrange(10**6)}", "wrong " + str(draw.random())))
                    counts["sent"] += 1
                    poll.modify(number, select.EPOLLIN)
                    done = kind == "reset"
                elif answer := stream.recv(4096):
                    counts[f"code {int.from_bytes(answer[7:8], 'big')}" if len(answer) > 7 else "?"] += 1
                    done = kind == "closes"
                else:
                    done = True
            except OSError:
                counts["failed"] += 1
                done = True
            if done:
                poll.unregister(number)
                stream.close()
                del open_now[number]
    counts["open at the end"] = len(open_now)
    print("flood:", ", ".join(f"{name} {count}" for name, count in sorted(counts.items())), flush=True)


def percentile(times, share):
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hub", help="the binary")
    parser.add_argument("--rate", type=int, default=3_000, help="wrong logins a second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--slow", action="store_true", help="wrong logins cost the most expensive hash")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    chosen = parser.parse_args()
    print("seed", chosen.seed)
    wanted = int((UNDISTURBED + chosen.seconds) / EVERY) + 20
    hub = Hub(chosen.hub, wanted, chosen.slow)
    try:
        numbers = iter(range(wanted))
        before = log_in_for(hub.address, numbers, UNDISTURBED)
        if (child := os.fork()) == 0:
            try:
                flood(hub.address, chosen.rate, chosen.seconds, chosen.seed)
            finally:
                os._exit(0)
        try:
            time.sleep(1)
            during = log_in_for(hub.address, numbers, chosen.seconds - 2)
        except BaseException:
            os.kill(child, signal.SIGTERM)
            raise
        finally:
            os.waitpid(child, 0)
    finally:
        hub.end()
    failed = sum(took is None for took in before + during)
    before, during = ([took for took in times if took is not None] for times in (before, during))
    print(f"good logins: {len(before)} undisturbed, {len(during)} during the flood, {failed} not let in")
    if not before or not during:
        sys.exit(1)
    ratios = []
    for share in (0.5, 0.95, 1.0):
        undisturbed, disturbed = percentile(before, share), percentile(during, share)
        ratios.append(disturbed / undisturbed)
        print(f"{share:5.0%}: {undisturbed:7.1f} ms undisturbed, {disturbed:7.1f} ms during the flood, {ratios[-1]:.2f}")
    sys.exit(1 if failed or max(ratios[:2]) > 3 else 0)


if __name__ == "__main__":
    main()
