"""Several journals write to one place on a cluster of three nodes, each node on a host of its own: a node dies, a journal dies,
a node is cut off from the others, two nodes die at once. Every entry of every journal is in the bucket once, in order.

The store is Garage, which accepts a condition on a write and doesn't heed it: nothing here rests on one.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import garage
import network
from bucket import Bucket, Stored
from checks import check, equal, note, skip, wait_until
from garage import Cluster, Node
from oracle import Lines
from packages import Unavailable
from program import Program, Writer, lines_said
from store import free_ports
from suite import Suite

MIB = 1 << 20
COPIES = 3
# Which node each journal talks to, and how large its objects are: single puts, and uploads in parts.
JOURNALS = ((0, 256 * 1024), (1, 256 * 1024), (2, 256 * 1024), (0, 12 * MIB), (1, 12 * MIB))
# A node that lost its peers answers late or never: whoever waits for it must know when to ask again.
TIMES = ("--connect-timeout", "2s", "--operation-timeout", "5s", "--max-object-age", "1s")
# Lines are about 230 bytes: some 0.3 MB a second from each journal.
LINES_AT_ONCE, PAUSE_SECONDS = 250, 0.2
CAUGHT_UP_WITHIN_SECONDS = 240


class Stream:
    """One journal: its lines without end, and the process that carries them."""

    def __init__(self, suite: Suite, cluster: Cluster, lines: Lines, number: int):
        node, object_bytes = JOURNALS[number]
        self.number, self.lines, self.node = number, lines, cluster.nodes[node]
        self.program = Program(suite.path, cluster.environment(self.node))
        self.id = f"many-{number}"
        self.queue = suite.directory / f"queue-{number}"
        self.bucket = OneJournal(cluster, "many", self.id)
        self._options = (
            "--to", self.bucket.url, "--local-directory", self.queue, "--id", self.id, "--shards", 4,
            "--part-size", 5 * MIB, "--max-object-size", object_bytes, *TIMES,
        )  # fmt: skip
        self.stderr: list[str] = []
        self.promised = 0
        self.begin()

    def begin(self) -> None:
        """Starts the process, and feeds it from where the journal ends, until it is told to stop."""
        status = self.program.status(self.queue)
        first = status["next_sequence"] if status else 0
        check(first >= self.promised, f"{self.id}: all {self.promised} durable lines are still there", first)
        self._stop = threading.Event()
        self.writer: Writer = self.program.start_write(*self._options)
        self.writer.feed(self._blocks(first), close=True)

    def _blocks(self, first: int) -> Iterator[bytes]:
        while not self._stop.is_set():
            yield b"".join(self.lines.line(self.number, n) + b"\n" for n in range(first, first + LINES_AT_ONCE))
            first += LINES_AT_ONCE
            self._stop.wait(PAUSE_SECONDS)

    def kill(self) -> None:
        """kill -9, in the middle of everything."""
        self._stop.set()
        self.writer.kill()
        self.promised = max(self.promised, self.writer.durable)
        self.stderr.append(self.writer.stderr)

    def end(self) -> int:
        """The end of its input; its exit status once everything is in the bucket."""
        self._stop.set()
        status = self.writer.wait()
        self.promised = max(self.promised, self.writer.durable)
        self.stderr.append(self.writer.stderr)
        return status


class OneJournal(Bucket):
    """What one of several journals has in their common prefix."""

    def __init__(self, cluster: Cluster, prefix: str, journal: str):
        super().__init__(cluster, prefix)
        self._name = f"/{journal}-"

    def objects(self) -> list[Stored]:
        return [stored for stored in super().objects() if self._name in stored.key]

    def open_uploads(self) -> list[str]:
        return [key for key in super().open_uploads() if self._name in key]


def run(suite: Suite) -> None:
    try:
        binary = garage.program()
    except Unavailable as missing:
        skip("a cluster of three nodes", missing)
        return
    with contextlib.ExitStack() as stack:
        hosts = None
        try:
            hosts = stack.enter_context(network.hosts(COPIES))
        except Unavailable as missing:
            skip("a node that is cut off from the others", missing)
        with Cluster(nodes(suite.directory / "nodes", binary, hosts), COPIES) as cluster:
            cluster.start()
            on_a_cluster(suite, cluster, hosts)


def nodes(directory: Path, binary: Path, hosts: list[network.Host] | None) -> list[Node]:
    """Three nodes, each on its host, or all on this one."""
    if hosts is None:
        ports = list(free_ports(tuple(map(str, range(3 * COPIES)))).values())
        return [
            Node(binary, directory / str(number), "127.0.0.1", lambda *command: list(command), ports[3 * number :][:3])
            for number in range(COPIES)
        ]
    return [
        Node(binary, directory / str(number), host.address, host.command, [3901, 3900, 3903])
        for number, host in enumerate(hosts)
    ]


def on_a_cluster(suite: Suite, cluster: Cluster, hosts: list[network.Host] | None) -> None:
    began = time.monotonic()
    lines = Lines()
    streams = [Stream(suite, cluster, lines, number) for number in range(len(JOURNALS))]
    try:
        goes_on(streams, "all nodes up", streams)
        a_node_dies(suite, cluster, streams)
        if hosts is not None:
            a_node_is_cut_off(suite, cluster, hosts, streams)
        most_nodes_die(suite, cluster, streams)
        for stream in streams:
            equal(stream.end(), 0, f"{stream.id}: write ends well")
    finally:
        for stream in streams:
            if stream.writer.is_running():
                stream.kill()
    seconds = time.monotonic() - began
    check_all(cluster, streams, seconds)


def goes_on(streams: list[Stream], what: str, of: list[Stream]) -> None:
    """What each of them has durable now arrives, while more is written."""
    wanted = {stream.id: max(stream.promised, stream.writer.durable) + LINES_AT_ONCE for stream in of}
    started = time.monotonic()
    for stream in of:
        arrived = stream.writer.wait_for(
            lambda stream=stream: stream.writer.uploaded >= wanted[stream.id],
            f"{stream.id}, {what}: it goes on",
            CAUGHT_UP_WITHIN_SECONDS,
        )
        check(arrived, f"{stream.id}, {what}: its lines arrive while more are written", stream.writer.stderr)
    waits = sum(stream.writer.durable - stream.writer.uploaded for stream in streams)
    note(f"{what}: {time.monotonic() - started:.1f} s until all was there; {waits} later lines wait")


def parked(streams: list[Stream], what: str) -> None:
    """Nothing arrives, and everything becomes durable all the same. What was under way may still be told."""
    before = [(stream.writer.durable, stream.writer.uploaded) for stream in streams]
    for stream, (durable, _) in zip(streams, before, strict=True):
        grows = stream.writer.wait_for(
            lambda stream=stream, durable=durable: stream.writer.durable >= durable + 4 * LINES_AT_ONCE,
            f"{stream.id}, {what}: lines become durable",
        )
        check(grows, f"{stream.id}, {what}: lines become durable all the same", stream.writer.stderr)


def a_node_dies(suite: Suite, cluster: Cluster, streams: list[Stream]) -> None:
    dead = suite.random.randrange(COPIES)
    what = f"node {dead} killed"
    cluster.nodes[dead].kill()
    others = [stream for stream in streams if stream.node is not cluster.nodes[dead]]
    stranded = [stream for stream in streams if stream.node is cluster.nodes[dead]]
    parked(stranded, what)
    victim = suite.random.choice(streams)
    victim.kill()
    note(f"{what}: {victim.id} is killed, too, with {victim.promised} lines durable, and started again")
    victim.begin()
    goes_on(streams, what, others)
    cluster.nodes[dead].start()
    goes_on(streams, f"{what}, and started again", streams)


def a_node_is_cut_off(suite: Suite, cluster: Cluster, hosts: list[network.Host], streams: list[Stream]) -> None:
    alone = suite.random.randrange(COPIES)
    what = f"node {alone} cut off from the others"
    hosts[alone].cut_from([host for host in hosts if host is not hosts[alone]])
    cut = time.monotonic()
    beside = [stream for stream in streams if stream.node is cluster.nodes[alone]]
    told = {stream.id: stream.writer.uploaded for stream in beside}
    goes_on(streams, what, [stream for stream in streams if stream not in beside])
    parked(beside, what)
    # One answer of before may have been on its way. What holds one copy of three may call nothing written.
    for stream in beside:
        held = max(object_lines(stream), LINES_AT_ONCE)
        check(
            stream.writer.uploaded <= told[stream.id] + 2 * held,
            f"{stream.id}, {what}: nothing is called uploaded that only one node has",
            f"{stream.writer.uploaded - told[stream.id]} lines more",
        )
    victim = suite.random.choice(beside or streams)
    victim.kill()
    note(f"{what}: {victim.id} is killed, too, and started again")
    victim.begin()
    hosts[alone].heal()
    note(f"{what} for {time.monotonic() - cut:.1f} s")
    goes_on(streams, f"{what}, and together again", streams)


def object_lines(stream: Stream) -> int:
    """About how many lines an object of the journal has."""
    return JOURNALS[stream.number][1] // 150


def most_nodes_die(suite: Suite, cluster: Cluster, streams: list[Stream]) -> None:
    what = "two of three nodes killed"
    dead = suite.random.sample(range(COPIES), 2)
    for number in dead:
        cluster.nodes[number].kill()
    began = time.monotonic()
    parked(streams, what)
    for number in dead:
        cluster.nodes[number].start()
    note(f"{what} for {time.monotonic() - began:.1f} s")
    goes_on(streams, f"{what}, and started again", streams)


def check_all(cluster: Cluster, streams: list[Stream], seconds: float) -> None:
    """Every line of every journal once, in order; nothing else, and nothing left open."""
    entries = objects = requests = stored_bytes = 0
    for stream in streams:
        # Whatever was killed, and whoever answered late: what was left open is swept once all is there.
        wait_until(lambda stream=stream: not stream.bucket.open_uploads(), 30, f"{stream.id}: uploads are swept", 1)
        row = stream.bucket.check_row(stream.id)
        content = b"".join(stream.bucket.read())
        count = content.count(b"\n")
        wanted = b"".join(stream.lines.blocks(stream.number, count))
        check(content == wanted, f"{stream.id}: all {count} lines are there, once, in order", where(content, wanted))
        check(count >= stream.promised > 0, f"{stream.id}: among them all {stream.promised} durable ones", count)
        status = stream.program.status(stream.queue)
        equal((status["pending_entries"], status["next_sequence"]), (0, count), f"{stream.id}: nothing waits any more")
        whole = stream.program.run("verify", "--deep", "--to", stream.bucket.url, "--id", stream.id)
        equal(whole.returncode, 0, f"{stream.id}: verify --deep finds it whole")
        said = sum(len(lines_said(stderr)) for stderr in stream.stderr)
        check(said <= 3 * (2 + seconds / 60) * len(stream.stderr), f"{stream.id}: causes are told once a minute", said)
        entries, objects, stored_bytes = entries + count, objects + len(row), stored_bytes + len(content)
        requests += sum(stored.parts + 2 if stored.parts else 1 for stored in row)
    check(entries > 0 and any(s.parts for stream in streams for s in stream.bucket.objects()), "some came in parts")
    note(
        f"{len(streams)} journals, {entries} entries, {stored_bytes / 1e6:.0f} MB, {objects} objects, "
        f"{requests} requests that were needed, {seconds:.0f} s"
    )


def where(content: bytes, wanted: bytes) -> str:
    for number, (found, right) in enumerate(zip(content.splitlines(), wanted.splitlines(), strict=False)):
        if found != right:
            return f"entry {number} is {found[:40]!r} instead of {right[:40]!r}"
    return f"{len(content)} bytes instead of {len(wanted)}"
