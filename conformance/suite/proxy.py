"""A proxy between the suite and a hub that changes frames on their way, to show that checks can fail."""

import socket
import struct
import threading

from . import msgpack
from .frames import WELCOME

LINGER_0 = struct.pack("ii", 1, 0)


def framed(body):
    return struct.pack(">I", len(body)) + bytes(body)


def changed(body, index, value):
    """The frame with one element replaced. The other elements keep their bytes."""
    parts = msgpack.elements(body)
    parts[index] = value if isinstance(value, msgpack.Raw) else msgpack.pack(value)
    return bytes([0x90 | len(parts)]) + b"".join(parts)


class Deviation:
    """One way in which a hub could break the protocol. Subclasses change what passes in either direction."""

    place = quote = ""
    reads_client = False  # whether frames of the client are cut out of the stream and changed

    def __init__(self):
        self.held, self.count, self.seen = [], 0, {}
        self.most = 4096  # the longest frame of the client: HELLO, and from WELCOME on what that says
        self.cut = False  # whether the connection is being cut, so that no FIN may come before RST
        self.lock = threading.Lock()  # whoever writes to the client holds it

    def hub(self, body):
        """The frames that the client gets in place of this frame of the hub."""
        return [body]

    def client(self, body):
        """The frames that the hub gets in place of this frame of the client."""
        return [body]

    def rest(self):
        """What is sent to the client at the end of the stream."""
        return []

    def end(self, stream):
        """Ends the stream to the client as the hub ended it: with FIN."""
        stream.shutdown(socket.SHUT_WR)

    def half_close(self, stream):
        stream.shutdown(socket.SHUT_WR)


class Proxy:
    """Listens on a port of its own. Each connection has a deviation of its own."""

    def __init__(self, address, make):
        host, port = address.rsplit(":", 1)
        self.target, self.make, self.links = (host, int(port)), make, []
        self.listener = socket.socket()
        _narrow(self.listener)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(128)
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            hub = socket.socket()
            _narrow(hub)
            try:
                hub.connect(self.target)
            except OSError:
                client.close()
                continue
            _narrow(client)
            deviation = self.make()
            self.links.append((client, hub, deviation))
            threading.Thread(target=self._link, args=(client, hub, deviation), daemon=True).start()

    def _link(self, client, hub, deviation):
        """Passes bytes on in both directions until both have ended."""
        back = threading.Thread(target=self._to_client, args=(hub, client, deviation), daemon=True)
        back.start()
        self._to_hub(client, hub, deviation)
        back.join()
        self.links = [link for link in self.links if link[2] is not deviation]
        client.close()
        hub.close()

    def cut(self):
        """Resets all connections, so that both sides see it at once."""
        links, self.links = self.links, []
        for client, hub, deviation in links:
            deviation.cut = True
            reset(client)
            reset(hub)

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def _to_client(self, hub, client, deviation):
        buffer = bytearray()
        try:
            while data := hub.recv(65_536):
                buffer += data
                out = bytearray()
                while len(buffer) >= 4 and len(buffer) >= 4 + int.from_bytes(buffer[:4], "big"):
                    size = int.from_bytes(buffer[:4], "big")
                    body = bytes(buffer[4 : 4 + size])
                    del buffer[: 4 + size]
                    if body[1] == WELCOME and deviation.most == 4096:
                        deviation.most = msgpack.unpack(msgpack.elements(body)[2])["max_frame"]
                    for changed_body in deviation.hub(body):
                        out += framed(changed_body)
                with deviation.lock:
                    client.sendall(out)
            client.sendall(b"".join(map(framed, deviation.rest())) + buffer)
            if not deviation.cut:
                deviation.end(client)
        except OSError:
            reset(client)
            reset(hub)

    def _to_hub(self, client, hub, deviation):
        buffer, raw = bytearray(), not deviation.reads_client
        try:
            while data := client.recv(65_536):
                buffer += data
                while not raw and len(buffer) >= 4:
                    size = int.from_bytes(buffer[:4], "big")
                    raw = not 0 < size <= deviation.most  # no frame: the hub itself has to say so
                    if raw or len(buffer) < 4 + size:
                        break
                    body = bytes(buffer[4 : 4 + size])
                    del buffer[: 4 + size]
                    hub.sendall(b"".join(map(framed, deviation.client(body))))
                if raw:
                    hub.sendall(buffer)
                    buffer.clear()
            hub.sendall(buffer)
            if not deviation.cut:
                deviation.half_close(hub)
        except OSError:
            reset(client)
            reset(hub)


def _narrow(stream):
    """Small buffers, so that a client that reads nothing holds up the hub as it does without the proxy."""
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32_768)


def reset(stream):
    """Ends a stream with RST. The thread that reads it wakes up, or the kernel would keep it open."""
    try:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
        stream.shutdown(socket.SHUT_RD)
        stream.close()
    except OSError:
        pass
