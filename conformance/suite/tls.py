"""A TLS stream whose every step the suite decides: a half-close, and an end without close_notify."""

import socket
import ssl


def context(low=ssl.TLSVersion.TLSv1_2, high=ssl.TLSVersion.TLSv1_3, offers=None, certificate=None):
    """Settings of a client. The hub's certificate is not verified: the protocol says nothing about it."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.minimum_version, made.maximum_version = low, high
    if certificate:
        made.load_cert_chain(certificate)
    if offers:
        made.set_alpn_protocols(offers)
    return made


class TlsStream:
    """Stands in for a socket. `notified` tells whether close_notify came."""

    def __init__(self, stream, settings, session=None):
        self.stream, self.incoming, self.outgoing = stream, ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = settings.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost", session=session)
        self.notified, self.context = False, settings
        self._pump(self.tls.do_handshake)

    def _flush(self):
        data = self.outgoing.read()
        if data:
            self.stream.sendall(data)

    def _pump(self, step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self._flush()
                data = self.stream.recv(65536)
                self.incoming.write(data) if data else self.incoming.write_eof()
            finally:
                self._flush()

    def settimeout(self, seconds):
        self.stream.settimeout(seconds)

    def sendall(self, data):
        self.tls.write(bytes(data))
        self._flush()

    def recv(self, size):
        """Decrypted bytes, nothing after close_notify, and an OSError for an end without it."""
        try:
            data = self._pump(lambda: self.tls.read(size))
        except ssl.SSLZeroReturnError:
            data = b""
        if not data:
            self.notified = True
        return data

    def shutdown(self, _):
        """Half-close: close_notify in one direction. Reading goes on."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self._flush()

    def cut(self):
        """FIN without close_notify."""
        self.stream.shutdown(socket.SHUT_WR)

    def fin(self):
        """Whether FIN follows on the TCP connection."""
        return self.stream.recv(1) == b""

    def close(self):
        self.stream.close()
