"""A wire that breaks: a proxy between the program and the store that loses, cuts, delays and repeats requests and
answers, or answers in the store's place.

It forwards the bytes as they are, so that signatures hold. Faults are drawn from a seed, one draw for each request;
which request meets which draw depends on timing, what is asserted of the outcome must not. Knows HTTP/1.1 and how S3's
requests look, and nothing of the program under test.
"""

import collections
import contextlib
import random
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

HEAD_BYTES_MAX = 64 << 10
CHUNK_BYTES = 1 << 16
# Longer than any request of a suite takes on a busy machine.
STORE_ANSWERS_WITHIN_SECONDS = 120
DELAY_SECONDS_MAX = 0.5
HANG_SECONDS_MAX = 3.0
LATE_SECONDS_MAX = 2.0

# Each fault and how often it is drawn among faults.
FAULTS = {
    "reset before": 3,  # the request never reaches the store
    "cut request": 2,  # the store sees half of it
    "lost answer": 4,  # carried out, and nobody hears of it
    "cut answer": 2,  # carried out, and half of the answer arrives
    "hang": 1,  # carried out, and silence before the reset
    "twice": 3,  # delivered twice, the second answer arrives
    "twice, first answer": 2,  # delivered twice, the first answer arrives
    "late": 3,  # delivered, answered, and delivered once more later
    "delay": 3,
    "trickle": 1,  # the answer in small pieces
    "slow down": 2,  # 503, not carried out
    "failed after": 2,  # 500, although carried out
}


@dataclass
class Request:
    """A request as it came."""

    head: bytes
    body: bytes
    method: str
    path: str
    query: dict[str, list[str]]

    @property
    def operation(self) -> str:
        """S3's name of it, as far as this proxy tells them apart."""
        match self.method:
            case "PUT" if "partNumber" in self.query:
                return "UploadPart"
            case "PUT":
                return "PutObject"
            case "POST" if "uploads" in self.query:
                return "CreateMultipartUpload"
            case "POST" if "uploadId" in self.query:
                return "CompleteMultipartUpload"
            case "DELETE" if "uploadId" in self.query:
                return "AbortMultipartUpload"
            case "GET" if "uploads" in self.query:
                return "ListMultipartUploads"
            case "GET" if "uploadId" in self.query:
                return "ListParts"
            case "GET" if "list-type" in self.query:
                return "ListObjects"
        return {"HEAD": "HeadObject", "GET": "GetObject"}.get(self.method, self.method)


@dataclass
class Refusal:
    """An answer in the store's place."""

    status: int
    code: str
    message: str

    def encoded(self, request: Request) -> bytes:
        """As S3 sends it."""
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{self.code}</Code><Message>{self.message}</Message></Error>"
        ).encode()
        head = (
            f"HTTP/1.1 {self.status} {self.code}\r\nContent-Type: application/xml\r\nx-amz-request-id: PROXY\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        ).encode()
        return head if request.method == "HEAD" else head + body


class Broken(Exception):
    """The connection ended before what was expected of it."""


class Proxy:
    """A listening proxy; gone at the end of `with`."""

    def __init__(self, port: int, seed: int | str):
        # Of the store.
        self.port = port
        # The share of requests that meet a fault.
        self.fault_rate = 0.0
        # Answers a request in the store's place, or lets it through by `None`; asked before faults are drawn.
        self.refuse: Callable[[Request], Refusal | None] = lambda _: None
        # Does something with the store's answer to a request, by the name of a fault; asked before one is drawn.
        self.choose: Callable[[Request], str | None] = lambda _: None
        # Is told each whole answer of the store.
        self.answered: Callable[[Request, bytes], None] = lambda *_: None
        # How often each operation met each fault.
        self.met: collections.Counter[tuple[str, str]] = collections.Counter()
        self.requests: collections.Counter[str] = collections.Counter()
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._late = 0
        self._late_done = threading.Condition(self._lock)
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._is_closed = False

    def __enter__(self) -> "Proxy":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._is_closed = True
        # Wakes the thread that accepts.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def settle(self) -> None:
        """From now on without faults; returns when the store has been asked everything that it will be: what was to come
        late, and what is still being carried for a program that was killed. While no program runs."""
        self.fault_rate = 0.0
        with self._late_done:
            if not self._late_done.wait_for(lambda: not self._late and not self._open, STORE_ANSWERS_WITHIN_SECONDS):
                raise TimeoutError("late requests don't end")

    def told(self) -> str:
        """What was met, for whoever reads the run."""
        with self._lock:
            faults: collections.Counter[str] = collections.Counter()
            for (_, fault), times in self.met.items():
                faults[fault] += times
            listed = ", ".join(f"{fault} {times}" for fault, times in sorted(faults.items()))
            return f"{sum(self.requests.values())} requests, {sum(faults.values())} faults: {listed or 'none'}"

    def _accept(self) -> None:
        while not self._is_closed:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            reader = Reader(connection)
            while not self._is_closed:
                request = read_request(reader, connection)
                if request is None or not self._carry(request, connection):
                    return
        except (OSError, Broken):
            # The program was killed, or the store was: what is left of the connection goes, too.
            pass
        finally:
            connection.close()
            with self._late_done:
                self._open.discard(connection)
                self._late_done.notify_all()

    def _carry(self, request: Request, client: socket.socket) -> bool:
        """Carries one request; whether the connection goes on."""
        with self._lock:
            self.requests[request.operation] += 1
        refusal = self.refuse(request)
        if refusal is not None:
            client.sendall(refusal.encoded(request))
            return False
        fault = self.choose(request)
        with self._lock:
            if fault is None and self._random.random() < self.fault_rate:
                fault = self._random.choices(list(FAULTS), list(FAULTS.values()))[0]
            share, seconds = self._random.random(), self._random.random()
            if fault is not None:
                self.met[request.operation, fault] += 1
        match fault:
            case None:
                client.sendall(self._ask(request))
            case "reset before":
                return reset(client)
            case "cut request":
                self._send_half(request, share)
                return reset(client)
            case "lost answer":
                self._ask(request)
                return reset(client)
            case "cut answer":
                answer = self._ask(request)
                client.sendall(answer[: max(1, int(len(answer) * share))])
                return reset(client)
            case "hang":
                self._ask(request)
                time.sleep(seconds * HANG_SECONDS_MAX)
                return reset(client)
            case "twice":
                self._ask(request)
                client.sendall(self._ask(request))
            case "twice, first answer":
                answer = self._ask(request)
                self._ask(request)
                client.sendall(answer)
            case "late":
                answer = self._ask(request)
                self._ask_later(request, seconds * LATE_SECONDS_MAX)
                client.sendall(answer)
            case "delay":
                time.sleep(seconds * DELAY_SECONDS_MAX)
                client.sendall(self._ask(request))
            case "trickle":
                answer = self._ask(request)
                step = max(16, len(answer) // 50)
                for at in range(0, len(answer), step):
                    client.sendall(answer[at : at + step])
                    time.sleep(0.01)
            case "slow down":
                client.sendall(Refusal(503, "SlowDown", "Please reduce your request rate.").encoded(request))
                return False
            case "failed after":
                self._ask(request)
                client.sendall(Refusal(500, "InternalError", "We encountered an internal error.").encoded(request))
                return False
            case _:
                raise ValueError(f"no such fault: {fault}")
        return True

    def _ask(self, request: Request) -> bytes:
        """The store's whole answer."""
        with socket.create_connection(("127.0.0.1", self.port), STORE_ANSWERS_WITHIN_SECONDS) as store:
            store.sendall(request.head)
            store.sendall(request.body)
            answer = read_answer(Reader(store), request.method)
        self.answered(request, answer)
        return answer

    def _send_half(self, request: Request, share: float) -> None:
        with socket.create_connection(("127.0.0.1", self.port), STORE_ANSWERS_WITHIN_SECONDS) as store:
            whole = request.head + request.body
            store.sendall(whole[: int(len(whole) * share)])
            reset(store)

    def _ask_later(self, request: Request, seconds: float) -> None:
        def ask() -> None:
            try:
                time.sleep(seconds)
                self._ask(request)
            except (OSError, Broken):
                # The store has gone meanwhile: then it never comes.
                pass
            finally:
                with self._late_done:
                    self._late -= 1
                    self._late_done.notify_all()

        with self._lock:
            self._late += 1
        threading.Thread(target=ask, daemon=True).start()


class Reader:
    """Reads what a connection brings, up to a mark or a length."""

    def __init__(self, connection: socket.socket):
        self.connection, self.held = connection, b""

    def until(self, mark: bytes) -> bytes:
        """Everything up to and with a mark; empty if the connection ended in front of it all."""
        while mark not in self.held:
            if len(self.held) > HEAD_BYTES_MAX:
                raise Broken("a head without end")
            more = self.connection.recv(CHUNK_BYTES)
            if not more:
                if self.held:
                    raise Broken("a cut head")
                return b""
            self.held += more
        end = self.held.index(mark) + len(mark)
        taken, self.held = self.held[:end], self.held[end:]
        return taken

    def exactly(self, length: int) -> bytes:
        """That many bytes."""
        pieces, missing = [self.held[:length]], length - len(self.held)
        self.held = self.held[length:]
        while missing > 0:
            more = self.connection.recv(min(missing, 1 << 20))
            if not more:
                raise Broken("a cut body")
            pieces.append(more)
            missing -= len(more)
        return b"".join(pieces)

    def to_end(self) -> bytes:
        """Everything until the other side closes."""
        pieces, self.held = [self.held], b""
        while more := self.connection.recv(CHUNK_BYTES):
            pieces.append(more)
        return b"".join(pieces)

    def chunks(self) -> bytes:
        """A chunked body, as it is on the wire."""
        pieces = []
        while True:
            line = self.until(b"\r\n")
            size = int(line.split(b";")[0], 16) if line else 0
            pieces.append(line)
            if size == 0:
                while (trailer := self.until(b"\r\n")) not in (b"\r\n", b""):
                    pieces.append(trailer)
                pieces.append(b"\r\n")
                return b"".join(pieces)
            pieces.append(self.exactly(size + 2))


def headers(head: bytes) -> dict[str, str]:
    """The fields of a head, their names in small letters."""
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}


def read_request(reader: Reader, client: socket.socket) -> Request | None:
    """The next request of a connection; `None` at its end."""
    head = reader.until(b"\r\n\r\n")
    if not head:
        return None
    method, target, _ = head.decode("latin-1").split("\r\n", 1)[0].split(" ", 2)
    fields = headers(head)
    if fields.get("expect", "").lower() == "100-continue":
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "chunked" in fields.get("transfer-encoding", "").lower():
        body = reader.chunks()
    else:
        body = reader.exactly(int(fields.get("content-length", 0)))
    parts = urlsplit(target)
    return Request(head, body, method, parts.path, parse_qs(parts.query, keep_blank_values=True))


def read_answer(reader: Reader, method: str) -> bytes:
    """A whole answer, without those that only say to go on."""
    while True:
        head = reader.until(b"\r\n\r\n")
        if not head:
            raise Broken("no answer")
        status = int(head.split(b" ", 2)[1])
        if status >= 200:
            break
    fields = headers(head)
    if method == "HEAD" or status in (204, 304):
        return head
    if "chunked" in fields.get("transfer-encoding", "").lower():
        return head + reader.chunks()
    if "content-length" in fields:
        return head + reader.exactly(int(fields["content-length"]))
    return head + reader.to_end()


def reset(connection: socket.socket) -> bool:
    """Ends a connection at once, by a reset; it doesn't go on."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    return False
