"""Azure Blob Storage natively, against Microsoft's emulator: what a program with the feature `azure` was told durable is there
once, in order, through kill -9 and an outage; read back by another client than ours."""

import shutil
import subprocess
import time
from pathlib import Path

import azurite
import environment
import text
from azurite import Azurite
from checks import check, equal, note, skip
from program import Program
from suite import Suite

MIB = 1 << 20
# About 5.6 MB: two parts of 2 MiB and more, of which Azure takes any size; the program wants 5 MiB from S3 alone.
SHAPE = ("--part-size", 2 * MIB, "--max-object-size", 5 * MIB)
LINES_MAX = 100_000


def run(suite: Suite) -> None:
    why_not = azurite.install()
    if why_not:
        skip("Azure Blob Storage natively", why_not)
        return
    path = build(suite)
    refused_without_feature(suite)
    with Azurite(suite.directory / "azurite") as server:
        server.start()
        server.create_container()
        program = Program(path, server.environment())
        round_trip(suite, server, program)
        killed(suite, server, program)
        outage(suite, server, program)
        wrong_key(suite, server, path)


def build(suite: Suite) -> Path:
    """A debug build with the feature: the release under test has it off, and nothing here is about speed."""
    started = time.monotonic()
    command = ["cargo", "build", "--quiet", "--locked", "-p", "s3-journal-cli", "--features", "azure"]
    subprocess.run(command, cwd=environment.ROOT, check=True)
    # Another build without the feature puts its own there.
    path = suite.directory / "s3-journal-azure"
    shutil.copy2(environment.TARGET / "debug" / "s3-journal", path)
    note(f"built with the feature azure in {time.monotonic() - started:.0f} s")
    return path


def refused_without_feature(suite: Suite) -> None:
    done = Program(suite.path, {}).run("ls", "--to", "az://journal/any")
    said = "build it with the feature azure" in done.stderr
    check(done.returncode == 2 and said, "a build without the feature names it", done.stderr)


def round_trip(suite: Suite, server: Azurite, program: Program) -> None:
    what, url = "round trip", "az://journal/round-trip"
    queue = suite.directory / "queue-round-trip"
    lines = b"".join(text.blocks(0, LINES_MAX))
    done = program.run("write", "--to", url, "--local-directory", queue, *SHAPE, stdin=lines)
    equal(done.returncode, 0, f"{what}: write ends well")
    limits = [line for line in done.stderr.splitlines() if line.endswith("(no-list-parts)")]
    equal(len(limits), 1, f"{what}: what the store can't do is said once")
    names = arrived(server, "round-trip", LINES_MAX, what)
    _, metadata = server.read(names[0])
    equal(metadata.get("journal_number"), "0", f"{what}: an object in parts has its metadata")
    whole(program, url, LINES_MAX, what)
    done = program.run("write", "--to", url, "--local-directory", queue, stdin=b"")
    equal((done.returncode, len(server.blobs("round-trip"))), (0, len(names)), f"{what}: nothing is written again")


def killed(suite: Suite, server: Azurite, program: Program) -> None:
    url, queue = "az://journal/killed", suite.directory / "queue-killed"
    to = ("--to", url, "--local-directory", queue, "--id", "killed", *SHAPE)
    end, promised = 0, 0
    for number in range(1, suite.size(4, 12) + 1):
        what = f"kill {number}"
        status = program.status(queue)
        first = status["next_sequence"] if status else 0
        check(first >= promised, f"{what}: all {promised} durable lines are still there", first)
        end = first + suite.random.randrange(LINES_MAX // 8, LINES_MAX)
        with program.start_write(*to) as writer:
            writer.feed(text.blocks(first, end), close=False)
            wanted = first + suite.random.randrange(1, max(2, end - first))
            writer.wait_for(lambda at=wanted: writer.durable >= at, f"{what}: {wanted} are durable")
            writer.ends_within(suite.random.uniform(0, 0.3))
            writer.kill()
            promised = max(promised, writer.durable)
        note(f"{what}: {writer.durable} durable, {writer.uploaded} uploaded")
    what = "after the last kill"
    status = program.status(queue)
    first = status["next_sequence"] if status else 0
    end = first + 1_000
    done = program.run("write", *to, stdin=b"".join(text.blocks(first, end)))
    equal(done.returncode, 0, f"{what}: write ends well")
    arrived(server, "killed", end, what)
    whole(program, url, end, what)


def outage(suite: Suite, server: Azurite, program: Program) -> None:
    what, url, queue = "outage", "az://journal/outage", suite.directory / "queue-outage"
    to = ("--to", url, "--local-directory", queue, *SHAPE)
    server.kill()
    lines = b"".join(text.blocks(0, LINES_MAX))
    done = program.run("write", *to, "--close-timeout", "2s", stdin=lines)
    equal(done.returncode, 75, f"{what}: write keeps everything and says so")
    server.start()
    done = program.run("write", *to, stdin=b"")
    equal(done.returncode, 0, f"{what}: once the store is back, everything arrives")
    arrived(server, "outage", LINES_MAX, what)
    whole(program, url, LINES_MAX, what)


def wrong_key(suite: Suite, server: Azurite, path: Path) -> None:
    what, queue = "wrong key", suite.directory / "queue-wrong-key"
    secret = "d3Jvbmctc2VjcmV0LWtleQ=="
    program = Program(path, server.environment(secret))
    done = program.run(
        "write", "--to", "az://journal/wrong", "--local-directory", queue, "--close-timeout", "2s", stdin=b"a\n"
    )
    equal(done.returncode, 75, f"{what}: write keeps everything")
    check("Storage Blob Data Contributor" in done.stderr, f"{what}: it is said what helps", done.stderr)
    check(secret not in done.stderr, f"{what}: and the key isn't", done.stderr)


def arrived(server: Azurite, prefix: str, end: int, what: str) -> list[str]:
    """By another client: every line once, in the order of the objects' numbers."""
    names = sorted(server.blobs(prefix), key=lambda name: name.rsplit("/", 1)[-1])
    found, problem = text.difference((server.read(name)[0] for name in names), end)
    equal((found, problem), (end, ""), f"{what}: all {end} lines are in {len(names)} objects, once, in order")
    return names


def whole(program: Program, url: str, end: int, what: str) -> None:
    """By our own reader."""
    cat = program.run("cat", "--to", url)
    _, problem = text.difference([cat.stdout], end)
    equal((cat.returncode, problem), (0, ""), f"{what}: cat gives every line back")
    verify = program.run("verify", "--deep", "--to", url)
    equal(verify.returncode, 0, f"{what}: verify finds nothing missing, doubled or damaged")
