"""https in front of a store that speaks http: a certificate of an authority of our own, and a front that passes bytes on.

Knows TLS, and nothing of stores.
"""

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
from pathlib import Path

CHUNK_BYTES = 1 << 16
# Long enough for a busy machine; a hand that is never shaken must not hold a thread for ever.
CONNECTS_WITHIN_SECONDS = 30


def make_certificates(directory: Path) -> Path:
    """An authority, and a certificate by it for 127.0.0.1, in a directory that is made; the authority's certificate."""
    directory.mkdir(parents=True)
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(
        directory, "req", "-x509", *key, "-days", "2", "-subj", "/CN=suites authority",
        "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", "authority.key", "-out", "authority.pem",
    )  # fmt: skip
    openssl(directory, "req", *key, "-subj", "/CN=127.0.0.1", "-keyout", "front.key", "-out", "front.csr")
    (directory / "front.ext").write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    openssl(
        directory, "x509", "-req", "-in", "front.csr", "-CA", "authority.pem", "-CAkey", "authority.key",
        "-CAcreateserial", "-days", "2", "-extfile", "front.ext", "-out", "front.pem",
    )  # fmt: skip
    return directory / "authority.pem"


def openssl(directory: Path, *arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr}")


def can_be_had() -> bool:
    """Whether certificates can be made on this machine."""
    return shutil.which("openssl") is not None


class Front:
    """A listening front of a port on loopback; gone at the end of `with`."""

    def __init__(self, port: int, certificates: Path):
        self._port = port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificates / "front.pem", certificates / "front.key")
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._is_closed = False

    def __enter__(self) -> "Front":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._is_closed = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @property
    def endpoint(self) -> str:
        return f"https://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        while not self._is_closed:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(CONNECTS_WITHIN_SECONDS)
            with (
                self._context.wrap_socket(connection, server_side=True) as client,
                socket.create_connection(("127.0.0.1", self._port), CONNECTS_WITHIN_SECONDS) as store,
            ):
                answers = threading.Thread(target=pass_on, args=(store, client), daemon=True)
                answers.start()
                pass_on(client, store)
                answers.join()
        except (OSError, ValueError):
            # Somebody who doesn't trust the certificate, or went away.
            connection.close()


def pass_on(source: socket.socket, sink: socket.socket) -> None:
    """Everything that comes until one side ends."""
    with contextlib.suppress(OSError, ValueError):
        while content := source.recv(CHUNK_BYTES):
            sink.sendall(content)
    for side in (source, sink):
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)
