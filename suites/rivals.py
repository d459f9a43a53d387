"""Two of what there should be one: two processes on one directory, two machines with one id, a directory that was
copied or restored from a backup; and a process that is told to end, once and twice."""

import os
import shutil
import signal
import socket
import subprocess

import decoders
from bucket import Bucket
from checks import check, equal, note
from oracle import Lines, Oracle
from program import lines_said
from suite import Suite

MIB = 1 << 20
LINES = 20_000


def run(suite: Suite) -> None:
    decoders.install_programs()
    suite.server.start()
    lines = Lines()
    two_processes(suite, lines)
    two_machines(suite, lines)
    copied(suite, lines)
    restored(suite, lines)
    told_to_end(suite, lines)
    told_twice(suite, lines)


def two_processes(suite: Suite, lines: Lines) -> None:
    what = "two processes"
    program, bucket, oracle = suite.program(), suite.bucket("processes"), Oracle(lines)
    to = ("--to", bucket.url, "--local-directory", suite.directory / "queue-processes", "--id", "rival")
    number = oracle.begin(LINES)
    with program.start_write(*to, "--max-object-age", "200ms") as writer:
        writer.feed(lines.blocks(number, LINES // 2), close=False)
        writer.wait_for(lambda: writer.durable > 0, f"{what}: the first has it")
        for _ in range(3):
            second = program.run("write", *to, stdin=b"never taken\n")
            equal(second.returncode, 73, f"{what}: the second is refused with 73")
            holder = writer.pid
            named = f"pid {holder}" in second.stderr or f"{holder}" in second.stderr.split()
            check(named and socket.gethostname() in second.stderr, f"{what}: it is told who", second.stderr)
        note(second.stderr.strip())
        status = program.status(suite.directory / "queue-processes")
        check(status is not None, f"{what}: status works beside the first")
        writer.feed(lines.blocks(number, LINES, LINES // 2), close=True)
        equal(writer.wait(), 0, f"{what}: the first goes on undisturbed")
    oracle.end(number, LINES, LINES)
    oracle.check(bucket, suite.directory / "objects", what, all_of_file=True)
    # One that was killed holds nothing.
    with program.start_write(*to) as writer:
        writer.wait_for(lambda: writer.told, f"{what}: it is open")
        writer.kill()
    equal(program.run("write", *to).returncode, 0, f"{what}: a dead one's lock is nobody's")


def two_machines(suite: Suite, lines: Lines) -> None:
    what = "two machines"
    program, bucket = suite.program(), suite.bucket("machines")
    writers, oracles = [], [Oracle(lines), Oracle(lines)]
    shape = ("--max-object-size", 256 << 10, "--max-object-age", "100ms", "--compressor", "gzip")
    watch = Overwrites(bucket)
    for machine in range(2):
        queue = suite.directory / f"queue-machine-{machine}"
        writer = program.start_write("--to", bucket.url, "--local-directory", queue, "--id", "rival", *shape)
        writers.append(writer)
    try:
        for part in range(4):
            for machine, writer in enumerate(writers):
                # Machine 1's lines are those of its second run: they differ from machine 0's.
                oracle = oracles[machine]
                if part == 0:
                    for _ in range(machine + 1):
                        oracle.begin(0)
                    oracle.runs[machine].fed = LINES
                step = LINES // 4
                writer.feed(lines.blocks(machine, step * (part + 1), step * part), close=part == 3)
            watch.look()
        for machine, writer in enumerate(writers):
            equal(writer.wait(), 0, f"{what}: machine {machine} ends well")
            oracles[machine].end(machine, writer.durable, writer.uploaded)
    finally:
        for writer in writers:
            writer.kill()
    watch.check(what)
    incarnations = sorted({stored.incarnation for stored in bucket.objects()})
    equal(len(incarnations), 2, f"{what}: there are two incarnations")
    fed = {machine: b"".join(lines.blocks(machine, LINES)) for machine in range(2)}
    found = {}
    for incarnation in incarnations:
        content = b"".join(
            decoders.one_gzip_member(path)
            for path in downloaded(suite, bucket, lambda stored, which=incarnation: stored.incarnation == which)
        )
        machine = int(content[:6])
        found[machine] = incarnation
        check(content == fed[machine], f"{what}: the stream of machine {machine} is whole, and apart from the other's")
        cat = program.run("cat", "--to", bucket.url, "--incarnation", incarnation)
        check(cat.stdout == fed[machine], f"{what}: cat gives machine {machine}'s", cat.stderr)
    equal(sorted(found), [0, 1], f"{what}: both are there")
    for command in ("ls", "verify"):
        done = program.run(command, "--to", bucket.url)
        equal(done.returncode, 0, f"{what}: {command} ends well")
        shown = all(incarnation in done.stdout.decode() for incarnation in incarnations)
        check(shown, f"{what}: {command} shows both", done.stdout.decode())


def copied(suite: Suite, lines: Lines) -> None:
    """The directory is copied while entries wait in it, and both go on, at once."""
    what = "copied directory"
    program, bucket = suite.program(), suite.bucket("copied")
    first, second = suite.directory / "queue-original", suite.directory / "queue-copy"
    to = ("--to", bucket.url, "--id", "rival", "--local-directory")
    watch = Overwrites(bucket)
    common = b"".join(lines.blocks(0, LINES))
    done = program.run("write", *to, first, stdin=common)
    equal(done.returncode, 0, f"{what}: the first run ends well")
    suite.server.pause()
    waiting = b"".join(lines.blocks(1, LINES))
    done = program.run("write", *to, first, "--close-timeout", "100ms", stdin=waiting)
    equal(done.returncode, 75, f"{what}: entries wait")
    shutil.copytree(first, second)
    suite.server.start()
    watch.look()
    contents = [b"".join(lines.blocks(run, LINES)) for run in (2, 3)]
    runs = [
        subprocess.Popen(
            program.command(("write", *to, queue)), env=program.environment, stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for queue in (first, second)
    ]  # fmt: skip
    for process, content in zip(runs, contents, strict=True):
        process.stdin.write(content)
        process.stdin.close()
        process.stdin = None
    said = [process.communicate(timeout=120)[1].decode() for process in runs]
    for which, process in zip(("original", "copy"), runs, strict=True):
        equal(process.returncode, 0, f"{what}: the {which} ends well")
    note("; ".join(line for text in said for line in text.splitlines()) or "neither says anything")
    watch.check(what)
    check_fork(suite, bucket, program, [common + waiting + content for content in contents], what)


def restored(suite: Suite, lines: Lines) -> None:
    """A backup is brought back over what went on after it."""
    what = "restored directory"
    program, bucket = suite.program(), suite.bucket("restored")
    queue, backup = suite.directory / "queue-restored", suite.directory / "backup"
    to = ("--to", bucket.url, "--id", "rival", "--local-directory", queue)
    watch = Overwrites(bucket)
    texts = [b"".join(lines.blocks(run, LINES)) for run in range(3)]
    equal(program.run("write", *to, stdin=texts[0]).returncode, 0, f"{what}: before the backup")
    shutil.copytree(queue, backup)
    equal(program.run("write", *to, stdin=texts[1]).returncode, 0, f"{what}: after the backup")
    shutil.rmtree(queue)
    shutil.copytree(backup, queue)
    watch.look()
    done = program.run("write", *to, stdin=texts[2])
    equal(done.returncode, 0, f"{what}: after it was restored")
    watch.check(what)
    check_fork(suite, bucket, program, [texts[0] + texts[1], texts[0] + texts[2]], what)


def check_fork(suite: Suite, bucket: Bucket, program, branches: list[bytes], what: str) -> None:
    """Every branch can be read whole along its runs, and `verify` and `ls` show that there are two."""
    objects = bucket.objects()
    content = {
        stored.key: path.read_bytes()
        for stored, path in zip(objects, downloaded(suite, bucket, lambda _: True), strict=True)
    }
    for number, branch in enumerate(branches):
        at = 0
        # The next object begins where this one ends, in entries; of those, the one that goes on with the branch.
        entries, used = 0, 0
        while at < len(branch):
            fitting = [
                stored for stored in objects
                if stored.first == entries and branch.startswith(content[stored.key], at) and content[stored.key]
            ]  # fmt: skip
            if not fitting:
                break
            chosen = content[fitting[0].key]
            at, entries, used = at + len(chosen), entries + chosen.count(b"\n"), used + 1
        check(at == len(branch), f"{what}: branch {number} is whole in {used} objects", f"up to byte {at}")
    doubled = len(objects) - len({(stored.incarnation, stored.number) for stored in objects})
    check(doubled > 0, f"{what}: the branches have objects with the same numbers and other names")
    verified = program.run("verify", "--to", bucket.url)
    told = verified.stdout.decode() + verified.stderr
    note(" | ".join(told.splitlines()[:6]))
    equal(verified.returncode, 65, f"{what}: verify ends with 65")
    check("fork" in told or "run" in told, f"{what}: verify shows the fork", told)
    listed = program.run("ls", "--to", bucket.url)
    all_there = all(stored.key.rpartition("/")[2] in listed.stdout.decode() for stored in objects)
    check(all_there, f"{what}: ls shows the objects of both", listed.stdout.decode() + listed.stderr)


def told_to_end(suite: Suite, lines: Lines) -> None:
    what = "SIGTERM"
    program, bucket, oracle = suite.program(), suite.bucket("terminated"), Oracle(lines)
    queue = suite.directory / "queue-terminated"
    number = oracle.begin(LINES)
    with program.start_write("--to", bucket.url, "--local-directory", queue, "--id", "rival") as writer:
        writer.feed(lines.blocks(number, LINES), close=False)
        writer.wait_for(lambda: writer.durable == LINES, f"{what}: all is durable")
        writer.signal(signal.SIGTERM)
        equal(writer.wait(), 0, f"{what}: with the store up it drains and ends with 0")
        equal(lines_said(writer.stderr), [], f"{what}: and says nothing")
    oracle.end(number, writer.durable, writer.uploaded)
    equal((writer.durable, writer.uploaded), (LINES, LINES), f"{what}: its last receipt tells of everything")
    oracle.check(bucket, suite.directory / "objects", what, all_of_file=True)


def told_twice(suite: Suite, lines: Lines) -> None:
    what = "SIGTERM twice"
    program, bucket, oracle = suite.program(), suite.bucket("twice"), Oracle(lines)
    queue = suite.directory / "queue-twice"
    to = ("--to", bucket.url, "--local-directory", queue, "--id", "rival")
    suite.server.pause()
    for first, second in ((signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM)):
        number = oracle.begin(LINES)
        with program.start_write(*to) as writer:
            writer.feed(lines.blocks(number, LINES), close=False)
            writer.wait_for(lambda writer=writer: writer.durable > 0, f"{what}: something is durable")
            writer.wait_fed()
            writer.signal(first)
            check(not writer.ends_within(0.5), f"{what}: with the store down the first waits for it", writer.stderr)
            writer.signal(second)
            check(writer.ends_within(10), f"{what}: the second leaves at once", writer.stderr)
            equal(writer.wait(), 75, f"{what}: with 75")
        told = "run the same command again" in writer.stderr and str(queue) in writer.stderr
        check(told, f"{what}: it says what waits where", writer.stderr)
        oracle.end(number, writer.durable, writer.uploaded)
    suite.server.start()
    done = program.run("write", *to)
    equal((done.returncode, lines_said(done.stderr)), (0, []), f"{what}: the next run delivers everything")
    oracle.check(bucket, suite.directory / "objects", what)


class Overwrites:
    """Watches that no object of a bucket is written twice or goes."""

    def __init__(self, bucket: Bucket):
        self.bucket = bucket
        self.seen: dict[str, str] = {}
        self.problems: list[str] = []

    def look(self) -> None:
        there = {stored.key: stored.etag for stored in self.bucket.objects()}
        for key, etag in self.seen.items():
            if there.get(key) != etag:
                self.problems.append(f"{key} was {etag} and is {there.get(key)}")
        self.seen = there

    def check(self, what: str) -> None:
        self.look()
        check(not self.problems, f"{what}: nothing is overwritten", self.problems)


def downloaded(suite: Suite, bucket: Bucket, wanted) -> list:
    """Some objects as files, in order."""
    directory = suite.directory / "downloaded"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    paths = []
    for stored in filter(wanted, bucket.objects()):
        path = directory / f"{len(paths):08d}{os.path.splitext(stored.key)[1]}"
        bucket.client.download_file(bucket.name, stored.key, str(path))
        paths.append(path)
    return paths
