"""Makes captures of real TCP traffic for the tests: python3 make.py FOLDER

Each capture shows one behaviour of TCP, which its name says. The traffic is that of the kernel. It needs
root, tcpdump, tshark, ip and nft. The captures with loss use two network namespaces and a veth pair.
"""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

FOLDER = sys.argv[1]


class Tcpdump:
    """Captures to a file while the block runs."""

    def __init__(self, name, interface="lo", what="tcp", extra=(), prefix=()):
        # The buffer of 64 MiB holds a thousand packets of loopback. With the default, a busy machine drops some.
        self.command = [*prefix, "tcpdump", "-i", interface, "-w", f"{FOLDER}/{name}", "-U", "-Z", "root",
                        "--immediate-mode", "-B", "65536", *extra, what]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "listening on" in line:
                return
        raise SystemExit(f"tcpdump did not start: {self.command}")

    def __exit__(self, *_):
        time.sleep(0.3)
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def conversation(name, client, server, family=socket.AF_INET, receive_buffer=None, **dump):
    """Captures one connection over loopback between two functions that get a socket each."""
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    listener = socket.socket(family)
    if receive_buffer:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    listener.bind((host, 0))
    listener.listen(5)
    port = listener.getsockname()[1]
    with Tcpdump(name, what=f"tcp port {port}", **dump):
        thread = threading.Thread(target=lambda: server(listener.accept()[0]))
        thread.start()
        connection = socket.socket(family)
        connection.connect((host, port))
        client(connection)
        thread.join()
    listener.close()


def echo(connection):
    while data := connection.recv(1 << 16):
        connection.sendall(data)
    connection.close()


def sink(connection):
    while connection.recv(1 << 16):
        pass
    connection.close()


def asks(times, size):
    def client(connection):
        for _ in range(times):
            connection.sendall(os.urandom(size))
            got = 0
            while got < size:
                got += len(connection.recv(1 << 16))
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)
        connection.close()
    return client


def slow_sink(connection):
    time.sleep(2.5)
    sink(connection)


def flood(connection):
    connection.sendall(b"x" * 2_000_000)
    connection.shutdown(socket.SHUT_WR)
    connection.recv(1)
    connection.close()


def resets(connection):
    connection.recv(10)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def tolerant(connection):
    connection.sendall(b"hello")
    try:
        connection.recv(10)
    except OSError:
        pass
    connection.close()


def leaves_unread(connection):
    time.sleep(0.2)
    connection.close()


def writes_on(connection):
    connection.sendall(b"hello" * 100)
    time.sleep(0.5)
    try:
        connection.sendall(b"x")
        time.sleep(0.1)
        connection.recv(10)
    except OSError:
        pass
    connection.close()


def keeps_alive(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    connection.sendall(b"a")
    time.sleep(3.5)
    connection.sendall(b"b")
    connection.close()


def answers_after_fin(connection):
    while connection.recv(1000):
        pass
    for _ in range(3):
        connection.sendall(b"y" * 1000)
        time.sleep(0.05)
    connection.close()


def half_closes(connection):
    connection.sendall(b"z" * 50)
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(1000):
        pass
    connection.close()


def urgent(connection):
    connection.sendall(b"abc")
    connection.send(b"!", socket.MSG_OOB)
    connection.sendall(b"def")
    connection.close()


def refused():
    probe = socket.socket()
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
    probe.close()
    with Tcpdump("refused.pcap", what=f"tcp port {port}"):
        try:
            socket.create_connection(("127.0.0.1", port))
        except OSError:
            pass


def run(*command):
    subprocess.run(command, check=True)


SERVER = """
import socket
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("10.99.7.2", 5000))
listener.listen(9)
for n in range(4):
    connection, _ = listener.accept()
    while data := connection.recv(1 << 16):
        if n % 2:
            connection.sendall(data[: len(data) // 2])
    connection.close()
"""
CLIENT = """
import os, socket, threading, time
for n in range(4):
    connection = socket.create_connection(("10.99.7.2", 5000))
    def drain():
        while connection.recv(1 << 16):
            pass
    thread = threading.Thread(target=drain)
    thread.start()
    if n < 2:
        connection.sendall(os.urandom(300_000))
    else:
        for _ in range(80):
            connection.sendall(os.urandom(700))
            time.sleep(0.002)
    connection.shutdown(socket.SHUT_WR)
    thread.join()
    connection.close()
"""


def between_namespaces(name, loss=0, settings=(), extra=()):
    """Captures four connections at both ends of a veth pair that drops `loss` of 1000 packets."""
    left, right = "hub-inspect-l", "hub-inspect-r"
    inside = {end: ("ip", "netns", "exec", end) for end in (left, right)}
    for end in (left, right):
        run("ip", "netns", "add", end)
    try:
        run("ip", "link", "add", "vl", "netns", left, "type", "veth", "peer", "name", "vr", "netns", right)
        for end, link, address in ((left, "vl", "10.99.7.1/24"), (right, "vr", "10.99.7.2/24")):
            run("ip", "-n", end, "link", "set", link, "up")
            run("ip", "-n", end, "addr", "add", address, "dev", link)
            for setting in settings:
                run(*inside[end], "sysctl", "-q", "-w", setting)
            if loss:
                run(*inside[end], "nft", "add", "table", "ip", "t")
                run(*inside[end], "nft", "add", "chain", "ip", "t", "in",
                    "{ type filter hook input priority 0; }")
                run(*inside[end], "nft", "add", "rule", "ip", "t", "in", "meta", "l4proto", "tcp",
                    "numgen", "random", "mod", "1000", "<", str(loss), "drop")
        with Tcpdump(f"{name}-client.pcap", "vl", "tcp", extra, inside[left]), \
                Tcpdump(f"{name}-server.pcap", "vr", "tcp", extra, inside[right]):
            server = subprocess.Popen([*inside[right], "python3", "-c", SERVER])
            time.sleep(0.3)
            run(*inside[left], "timeout", "60", "python3", "-c", CLIENT)
            server.wait()
    finally:
        for end in (left, right):
            run("ip", "netns", "del", end)


conversation("small_messages.pcap", asks(20, 100), echo)
conversation("large_messages.pcap", asks(10, 200_000), echo)
conversation("ipv6.pcap", asks(20, 3000), echo, socket.AF_INET6)
conversation("any_interface.pcap", asks(10, 30_000), echo, interface="any")
conversation("cooked_v1.pcap", asks(5, 300), echo, interface="any", extra=("-y", "LINUX_SLL"))
conversation("cut_packets.pcap", asks(5, 300), echo, extra=("-s", "90"))
conversation("nanoseconds.pcap", asks(5, 300), echo, extra=("--time-stamp-precision", "nano"))
conversation("zero_window.pcap", flood, slow_sink, receive_buffer=4096)
conversation("reset.pcap", tolerant, resets)
conversation("unread_data.pcap", writes_on, leaves_unread)
conversation("keep_alive.pcap", keeps_alive, sink)
conversation("half_close.pcap", half_closes, answers_after_fin)
conversation("urgent.pcap", urgent, sink)
refused()
between_namespaces("no_loss")
between_namespaces("loss_1", loss=10)
between_namespaces("loss_5", loss=50)
between_namespaces("loss_15", loss=150)
between_namespaces("no_options", loss=10, settings=(
    "net.ipv4.tcp_timestamps=0", "net.ipv4.tcp_sack=0", "net.ipv4.tcp_window_scaling=0"))
between_namespaces("no_sack", loss=30, settings=("net.ipv4.tcp_sack=0",))
between_namespaces("ecn", settings=("net.ipv4.tcp_ecn=1",))
between_namespaces("cut_headers", loss=10, extra=("-s", "62"))
for name in ("small_messages", "loss_5-client", "any_interface"):
    run("tshark", "-Q", "-F", "pcapng", "-r", f"{FOLDER}/{name}.pcap", "-w", f"{FOLDER}/{name}.pcapng")
run("mergecap", "-F", "pcapng", "-w", f"{FOLDER}/merged.pcapng",
    *(f"{FOLDER}/{name}.pcap" for name in ("ipv6", "cooked_v1", "nanoseconds", "half_close")))
