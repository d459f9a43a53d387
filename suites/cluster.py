"""Several journals write to one place on a cluster of three nodes, each node on a host of its own: a node dies, a
journal dies, a node is cut off from the others, two nodes die at once. Every entry of every journal is in the bucket once.

The store is Garage, which accepts a condition on a write and doesn't heed it: nothing here rests on one, and that
nothing is overwritten is looked at.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import garage
import network
import oracle
from bucket import Bucket, Stored
from checks import check, equal, note, skip, wait_until
from garage import Cluster, Node
from oracle import Lines, Oracle
from packages import Unavailable
from program import Program, Writer, lines_said
from rivals import Overwrites
from store import free_ports
from suite import Suite

MIB = 1 << 20
COPIES = 3
# A node that lost its peers answers late or never: whoever waits for it must know when to ask again.
TIMES = ("--connect-timeout", "2s", "--operation-timeout", "8s")
# Lines at once, the size at which an object ends, and its age. Lines have 213 bytes on average.
SMALL = (250, 64 * 1024, "500ms")
# Objects of three parts: an upload is begun when two are full.
LARGE = (1_000, 11 * MIB, "1m")
PAUSE_SECONDS = 0.2
CAUGHT_UP_WITHIN_SECONDS = 240


class Stream:
    """One journal: its lines without end, and the process that carries them."""

    def __init__(self, suite: Suite, cluster: Cluster, lines: Lines, number: int, node: int, shape: tuple):
        self.lines_at_once, object_bytes, age = shape
        self.number, self.lines, self.node = number, lines, cluster.nodes[node]
        # What an object has at most, roughly: for what one answer may tell.
        self.object_lines = object_bytes // 150
        self.id = f"many-{number}"
        self.program = Program(suite.path, cluster.environment(self.node))
        self.queue = suite.directory / f"queue-{number}"
        self.bucket = OneJournal(cluster, "many", self.id)
        self._options = (
            "--to", self.bucket.url, "--local-directory", self.queue, "--id", self.id, "--shards", 4,
            "--part-size", 5 * MIB, "--max-object-size", object_bytes, "--max-object-age", age, *TIMES,
        )  # fmt: skip
        self.stderr: list[str] = []
        # How many lines were durable by the receipts; where the feeding has come to.
        self.promised = self.fed = 0
        self.begin()

    def begin(self) -> None:
        """Starts the process, and feeds it from where the journal ends, until it is told to stop."""
        status = self.program.status(self.queue)
        self.fed = status["next_sequence"] if status else 0
        check(self.fed >= self.promised, f"{self.id}: all {self.promised} durable lines are still there", self.fed)
        self._stop = threading.Event()
        self.writer: Writer = self.program.start_write(*self._options)
        self.writer.feed(self._blocks(self._stop), close=True)

    def _blocks(self, stop: threading.Event) -> Iterator[bytes]:
        while not stop.is_set():
            first, self.fed = self.fed, self.fed + self.lines_at_once
            yield b"".join(self.lines.line(self.number, n) + b"\n" for n in range(first, self.fed))
            stop.wait(PAUSE_SECONDS)

    @property
    def waiting(self) -> int:
        return self.writer.durable - self.writer.uploaded

    def kill(self) -> None:
        """kill -9, in the middle of everything."""
        self._stop.set()
        self.writer.kill()
        self._ended()

    def end(self) -> int:
        """The end of its input; its exit status once everything is in the bucket."""
        self._stop.set()
        status = self.writer.wait()
        self._ended()
        return status

    def _ended(self) -> None:
        self.promised = max(self.promised, self.writer.durable)
        self.stderr.append(self.writer.stderr)


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
    lines = Lines()
    oracle.notices(lines)
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
        cluster = stack.enter_context(Cluster(nodes(suite.directory / "nodes", binary, hosts), COPIES))
        cluster.start()
        streams: list[Stream] = []
        try:
            on_a_cluster(suite, cluster, hosts, lines, streams)
        finally:
            for stream in streams:
                stream.kill()


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


def on_a_cluster(
    suite: Suite, cluster: Cluster, hosts: list[network.Host] | None, lines: Lines, streams: list[Stream]
) -> None:
    began = time.monotonic()
    # Each node has a journal with small objects; two of them, one with objects in parts besides.
    places = [(node, SMALL) for node in range(COPIES)] + [
        (node, LARGE) for node in suite.random.sample(range(COPIES), 2)
    ]
    for number, (node, shape) in enumerate(places):
        streams.append(Stream(suite, cluster, lines, number, node, shape))
    watch = Overwrites(Bucket(cluster, "many"))
    goes_on(streams, "all nodes up")
    a_node_dies(suite, cluster, streams)
    watch.look()
    if hosts is not None:
        a_node_is_cut_off(suite, cluster, hosts, streams)
        watch.look()
    most_nodes_die(suite, cluster, streams)
    for stream in streams:
        equal(stream.end(), 0, f"{stream.id}: write ends well")
    seconds = time.monotonic() - began
    watch.check("all journals")
    check_all(cluster, streams, seconds)


def goes_on(streams: list[Stream], what: str) -> None:
    """What each of them has durable now, and a little more, arrives while they write on."""
    wanted = {stream.id: stream.writer.durable + stream.lines_at_once for stream in streams}
    waiting, started = sum(stream.waiting for stream in streams), time.monotonic()
    after: dict[str, float] = {}

    def look() -> bool:
        for stream in streams:
            if stream.id not in after and stream.writer.uploaded >= wanted[stream.id]:
                after[stream.id] = time.monotonic() - started
        return len(after) == len(streams) or not all(stream.writer.is_running() for stream in streams)

    with contextlib.suppress(TimeoutError):
        wait_until(look, CAUGHT_UP_WITHIN_SECONDS, what)
    for stream in streams:
        check(stream.id in after, f"{stream.id}, {what}: its lines arrive while more are written", stream.writer.stderr)
    times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in after.items())
    note(f"{what}: {waiting} durable lines waited, and one more block; in the bucket after: {times}")


def parked(streams: list[Stream], what: str) -> None:
    """Whatever the store does, lines become durable."""
    before = {stream.id: stream.writer.durable for stream in streams}
    for stream in streams:
        grows = stream.writer.wait_for(
            lambda stream=stream: stream.writer.durable >= before[stream.id] + 4 * stream.lines_at_once,
            f"{stream.id}, {what}: lines become durable",
        )
        check(grows, f"{stream.id}, {what}: lines become durable all the same", stream.writer.stderr)


def killed(suite: Suite, streams: list[Stream], what: str) -> None:
    """One of the journals dies, too, and begins again at once."""
    victim = suite.random.choice(streams)
    victim.kill()
    note(f"{what}: {victim.id} is killed, with {victim.promised} lines durable, and started again")
    victim.begin()


def lasts(suite: Suite, since: float, seconds: int, what: str) -> None:
    """The fault is as long as it is to be, at least."""
    time.sleep(max(0, since + suite.size(seconds, 10 * seconds) - time.monotonic()))
    note(f"{what}: for {time.monotonic() - since:.1f} s")


def apart(streams: list[Stream], node: Node) -> tuple[list[Stream], list[Stream]]:
    """Those that talk to a node, and the others."""
    return [s for s in streams if s.node is node], [s for s in streams if s.node is not node]


def a_node_dies(suite: Suite, cluster: Cluster, streams: list[Stream]) -> None:
    dead = suite.random.choice(cluster.nodes)
    what = f"node {cluster.nodes.index(dead)} killed"
    stranded, others = apart(streams, dead)
    dead.kill()
    began = time.monotonic()
    parked(stranded, what)
    killed(suite, streams, what)
    goes_on(others, f"{what}, the journals at the others")
    lasts(suite, began, 8, what)
    dead.start()
    goes_on(streams, f"{what}, and started again")


def a_node_is_cut_off(suite: Suite, cluster: Cluster, hosts: list[network.Host], streams: list[Stream]) -> None:
    alone = suite.random.randrange(COPIES)
    what = f"node {alone} cut off"
    beside, others = apart(streams, cluster.nodes[alone])
    hosts[alone].cut_from([host for host in hosts if host is not hosts[alone]])
    began = time.monotonic()
    told = {stream.id: stream.writer.uploaded for stream in beside}
    parked(beside, what)
    goes_on(others, f"{what}, the journals at the others")
    lasts(suite, began, 20, what)
    # Answers of before may have been on their way. What holds one copy of three may call nothing written.
    for stream in beside:
        more = stream.writer.uploaded - told[stream.id]
        few = more <= 4 * stream.object_lines
        check(few, f"{stream.id}, {what}: nothing is called uploaded that only one node has", f"{more} lines more")
    killed(suite, beside, what)
    hosts[alone].heal()
    goes_on(streams, f"{what}, and together again")


def most_nodes_die(suite: Suite, cluster: Cluster, streams: list[Stream]) -> None:
    what = "two of three nodes killed"
    dead = suite.random.sample(cluster.nodes, 2)
    for node in dead:
        node.kill()
    began = time.monotonic()
    parked(streams, what)
    lasts(suite, began, 8, what)
    for node in dead:
        node.start()
    goes_on(streams, f"{what}, and started again")


def contents(bucket: Bucket, objects: list[Stored]) -> Iterator[tuple[str, int, bytes]]:
    """Objects by key, first entry and content."""
    for stored in objects:
        yield stored.key, stored.first, bucket.client.get_object(Bucket=bucket.name, Key=stored.key)["Body"].read()


def check_all(cluster: Cluster, streams: list[Stream], seconds: float) -> None:
    """Every line of every journal once, in order; nothing else, and nothing left open."""
    entries = requests = stored_bytes = 0
    rows: list[Stored] = []
    for stream in streams:
        row = stream.bucket.check_row(stream.id)
        promised = Oracle(stream.lines)
        for _ in range(stream.number):
            promised.begin(0)
        promised.end(promised.begin(stream.fed), stream.promised, stream.writer.uploaded)
        found = promised.examine(contents(stream.bucket, row), all_of_file=True)
        check(not found.problems, f"{stream.id}: each line is there once, in order, whole", found.problems[:5])
        check(not found.missing, f"{stream.id}: all {stream.fed} lines are there", found.missing)
        equal(stream.promised, stream.fed, f"{stream.id}: all were told durable")
        equal(stream.program.status(stream.queue)["pending_entries"], 0, f"{stream.id}: nothing waits any more")
        said = sum(len(lines_said(stderr)) for stderr in stream.stderr)
        # A few causes, each once a minute at most, anew in each process.
        few = said <= 6 * (1 + seconds / 60) * len(stream.stderr)
        check(few, f"{stream.id}: causes aren't told all the time", said)
        entries, stored_bytes, rows = entries + found.lines, stored_bytes + sum(s.size for s in row), rows + row
        requests += sum(stored.parts + 2 if stored.parts else 1 for stored in row)
    check(any(stored.parts for stored in rows), "some objects came in parts")
    check(not Bucket(cluster, "many").open_uploads(), "no upload of any journal is left open")
    whole = streams[0].program.run("verify", "--deep", "--to", streams[0].bucket.url)
    equal(whole.returncode, 0, "all journals: verify --deep finds them whole")
    note(
        f"{len(streams)} journals, {entries} entries, {stored_bytes / 1e6:.0f} MB, {len(rows)} objects, {seconds:.0f} s"
        f"; {requests} requests were needed, {requests / seconds:.1f} a second, without those that were made again"
    )
