"""The hubs that checks run against: one address that was given, or a binary that is started here.

Many statements show only on a hub with small limits, short times, TLS or an access file. With `--hub`, the
suite starts such hubs itself, each when the first check needs it.
"""

import functools
import os
import subprocess
import tempfile
import threading
from pathlib import Path

from .check import Skip

# The hubs by name, with the configuration keys in which each differs from the defaults.
KINDS = {
    "plain": {},
    "quiet": {},  # for subscriptions to everything; the plain hub takes its place if it must
    "flat": {"max_depth": 1},
    "tiny": {"max_depth": 2, "max_elements": 4},
    "small": {
        "max_frame_bytes": 16_384, "max_depth": 4, "max_elements": 16, "max_subscriptions": 4,
        "queue_bytes": 65_536, "overflow_grace_ms": 0,
    },
    "history": {"history_topic_bytes": 2_000, "queue_bytes": 4_194_304},
    "bare": {"history_topic_bytes": 0},  # each topic keeps its last event only
    "alive": {"keepalive_ms": 500, "handshake_ms": 250},
    "address": {"max_connections_per_address": 2},
    "full": {"max_connections": 2},
    "rate": {"publish_events_per_second": 50, "publish_burst_ms": 100},
    "access": {"access": "access.toml", "rules": "rules.toml"},
    "tls": {"tls_cert": "hub.pem", "tls_key": "hub.pem"},
}  # fmt: skip

ACCESS = """
[roles.all]
publish.allow = "**"
subscribe = {{ allow = "**", block = "**", groups = "*", observe = true }}
quarantine = true
admin = true

[roles.guest]
publish = {{ allow = "**", deny = "*.*.denied" }}
subscribe = {{ allow = "**", deny = "*.*.denied", observe = true, groups = "*" }}

[identities.boss]
roles = "all"
{token}

[identities.guest]
roles = "guest"
password = "{password}"

[other_certificates]
roles = "all"
prefix = "certificate:"

[[jwt]]
prefix = "jwt:"
issuer = "https://issuer.example"
audience = "hub"
jwks_url = "http://127.0.0.1:1/keys"
roles = "all"
"""

RULES = """
[[rule]]
name = "no rejected word"
topics = ["*.*.rules"]
find = { keys = ["rejected"] }
action = "reject"
tests = { hits = [{ rejected = "x" }], misses = [{ other = "x" }] }

[[rule]]
name = "no withheld word"
topics = ["*.*.rules"]
find = { keys = ["withheld"] }
action = "quarantine"
tests = { hits = [{ withheld = "x" }], misses = [{ other = "x" }] }

[[rule]]
name = "no fatal word"
topics = ["*.*.rules"]
find = { keys = ["fatal"] }
action = "disconnect"
tests = { hits = [{ fatal = "x" }], misses = [{ other = "x" }] }
"""

PASSWORD = "a password that is long enough"


class Process:
    """A hub that runs until the suite ends or the check stops it."""

    def __init__(self, binary, folder, keys):
        flags = [f"--{key.replace('_', '-')}={value}" for key, value in keys.items()]
        self.process = subprocess.Popen(
            [binary, "serve", "--listen=127.0.0.1:0", "--http=127.0.0.1:0", "--log=off", "--threads=1", *flags],
            stdout=subprocess.PIPE, cwd=folder, text=True,
            env={k: v for k, v in os.environ.items() if not k.startswith("HUB_")},
        )  # fmt: skip
        line = self.process.stdout.readline()
        if "hub" not in line or "//" not in line:
            raise RuntimeError(f"the hub did not get ready, but wrote {line!r}")
        self.address = line.split("clients ")[1].split(",")[0].split("//")[1]

    def stop(self):
        """Sends SIGTERM. The hub drains and ends by itself."""
        self.process.terminate()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Hubs:
    """Finds or starts the hub that a check needs. `wrap` may put a proxy in front of each address."""

    def __init__(self, binary=None, addresses=None, wrap=None):
        self.binary = str(Path(binary).resolve()) if binary else None
        self.addresses, self.wrap = dict(addresses or {}), wrap or (lambda address, kind: address)
        self.lock, self.locks, self.processes = threading.Lock(), {}, []
        self.folder = tempfile.TemporaryDirectory(prefix="hub-conformance-")

    def address(self, kind):
        if kind == "quiet" and not self.binary and kind not in self.addresses:
            kind = "plain"
        if kind not in self.addresses and not self.binary:
            raise Skip(f"needs a hub of the kind {kind}: --hub, or --at {kind}=HOST:PORT")
        with self.lock:
            lock = self.locks.setdefault(kind, threading.Lock())
        with lock:
            if kind not in self.addresses:
                if kind == "access":
                    self._write_access()
                if kind == "tls":
                    self._write_certificate()
                self.addresses[kind] = self.wrap(self._start(KINDS[kind]).address, kind)
            return self.addresses[kind]

    def _start(self, keys):
        process = Process(self.binary, self.folder.name, keys)
        with self.lock:
            self.processes.append(process)
        return process

    def own(self, test, keys):
        """A hub for one check. Its `address` is behind the proxy too."""
        if not self.binary:
            raise Skip("needs a hub of its own: --hub")
        process = self._start(keys)
        test.started.append(process)
        process.address = self.wrap(process.address, "own")
        return process

    @functools.cached_property
    def token(self):
        """An access token of `boss`, and the line with its hash."""
        if not self.binary:
            raise Skip("needs a hub with the access file of the suite: --hub")
        made = subprocess.run([self.binary, "token", "create", "boss-1"], capture_output=True, text=True, check=True)
        line = next(line for line in made.stderr.splitlines() if line.startswith("tokens."))
        return made.stdout.strip(), line

    def _write_access(self):
        made = subprocess.run(
            [self.binary, "token", "hash-password"], input=PASSWORD, capture_output=True, text=True, check=True
        )
        digest = next(word for word in made.stdout.replace('"', " ").split() if word.startswith("$argon2id"))
        folder = Path(self.folder.name)
        (folder / "access.toml").write_text(ACCESS.format(token=self.token[1], password=digest))
        (folder / "rules.toml").write_text(RULES)

    def file(self, name):
        """The path of a file that the hubs of the suite use."""
        return str(Path(self.folder.name) / name)

    def access_file(self, name, before="", after=""):
        """Writes an access file for a hub of a check's own, or writes it anew with one part changed."""
        self.address("access")
        folder = Path(self.folder.name)
        fresh = folder / (name + ".new")
        fresh.write_text((folder / "access.toml").read_text().replace(before or "\0", after))
        fresh.replace(folder / name)
        return name

    def _write_certificate(self):
        """Makes the files hub.pem and client.pem, each a key and its certificate, and ca.pem for both."""
        self._openssl("req -x509 -days 2 -keyout ca.key -out ca.pem -subj /CN=ca -addext keyUsage=critical,keyCertSign")
        for name, use in (("hub", "serverAuth"), ("client", "clientAuth")):
            folder = Path(self.folder.name)
            (folder / f"{name}.ext").write_text(f"subjectAltName=DNS:localhost\nextendedKeyUsage={use}\n")
            self._openssl(f"req -keyout {name}.key -out {name}.csr -subj /CN={name}")
            self._openssl(
                f"x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile {name}.ext -out {name}.crt"
            )
            pem = (folder / f"{name}.crt").read_text() + (folder / f"{name}.key").read_text()
            (folder / f"{name}.pem").write_text(pem)

    def _openssl(self, words):
        new = " -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes" if words.startswith("req") else ""
        try:
            subprocess.run(f"openssl {words}{new}".split(), cwd=self.folder.name, capture_output=True, check=True)
        except FileNotFoundError:
            raise Skip("needs openssl, to make certificates") from None

    def end(self):
        for process in self.processes:
            process.end()
        self.folder.cleanup()
