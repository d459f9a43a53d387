"""The disk fails: system calls of `write` are made to fail by strace. A failed write or sync is a latch: the program
ends with 74 and says which file and what failed; what it had called durable is in the bucket after the next start,
once, in order. What can be tried again is tried again."""

import shutil
import subprocess
from pathlib import Path

import decoders
from checks import check, equal, note, skip
from oracle import Lines, Oracle, check_closed
from program import Program, Writer
from suite import Suite

LINES = 40_000
# What a run is fed at most that is to end by a fault: the slower the disk, the more is made durable by each sync.
LINES_MAX = 20 * LINES
# Small slabs and objects, so that slabs are made, turned and removed again and again.
SMALL = (
    "--max-object-size", "512KiB", "--max-object-age", "200ms", "--max-batch-bytes", "64KiB",
    "--max-entry-bytes", "64KiB", "--max-queue-bytes", "8MiB", "--max-batch-latency", "5ms",
)  # fmt: skip
ENDS = 74
GOES_ON = 0
WAITS = 75
# System call, error, which of a thread's calls fail (`strace`'s words: 3, 3..5, 3+, 3+2), and how `write` ends.
FAULTS = (
    # Files are synced by fdatasync, directories by fsync.
    ("fdatasync", "EIO", "3", ENDS),
    ("fdatasync", "EIO", "40", ENDS),
    # One that fails once and succeeds again is the trap: the kernel has dropped what it couldn't write.
    ("fdatasync", "EIO", "40+", ENDS),
    ("fdatasync", "ENOSPC", "25", ENDS),
    ("fdatasync", "EDQUOT", "25", ENDS),
    ("fsync", "EIO", "9", ENDS),
    ("fsync", "EIO", "14+", ENDS),
    ("pwrite64", "EIO", "20", ENDS),
    ("pwrite64", "EIO", "60+", ENDS),
    ("pwrite64", "EROFS", "60+", ENDS),
    # No room is back-pressure, wherever it shows.
    ("pwrite64", "ENOSPC", "30..90+7", GOES_ON),
    ("pwrite64", "EDQUOT", "30..90+7", GOES_ON),
    ("pwrite64", "EINTR", "5+3", GOES_ON),
    ("fallocate", "ENOSPC", "2..4", GOES_ON),
    ("fallocate", "EIO", "2..3", GOES_ON),
    ("fallocate", "EOPNOTSUPP", "1+", GOES_ON),
    ("fallocate", "EINTR", "1+2", GOES_ON),
    ("unlink", "EIO", "4..8", GOES_ON),
    ("rename", "EIO", "2", ENDS),
    ("ftruncate", "EIO", "3", ENDS),
    # What can't be read back is tried again every minute: the close timeout comes first.
    ("pread64", "EIO", "12+", WAITS),
)
# What the operating system calls them.
TOLD = {
    "EIO": "Input/output error", "ENOSPC": "No space left on device", "EROFS": "Read-only file system",
    "EDQUOT": "quota exceeded",
}  # fmt: skip


def run(suite: Suite) -> None:
    try:
        strace(suite)
    except Unavailable as missing:
        skip("failing disk", missing)
        return
    decoders.install_programs()
    suite.server.start()
    lines = Lines()
    for number, (call, error, when, ends) in enumerate(FAULTS):
        fails(suite, lines, number, call, error, when, ends)
    for number in range(suite.size(4, 200)):
        call = suite.random.choice(("fdatasync", "fdatasync", "pwrite64", "fsync", "openat"))
        error = suite.random.choice(("EIO", "ENOSPC", "EROFS"))
        # Those before are the loader's and the opening's.
        when = suite.random.randrange(40 if call == "openat" else 1, 120)
        fails(suite, lines, len(FAULTS) + number, call, error, str(when), None)


class Unavailable(Exception):
    """System calls can't be made to fail on this machine; the text says what is missing."""


def strace(suite: Suite) -> None:
    """Installs strace, and tries it. Raises `Unavailable`."""
    if shutil.which("strace") is None:
        for command in (("update", "-q"), ("install", "-q", "-y", "--no-install-recommends", "strace")):
            subprocess.run(["apt-get", *command], check=False, capture_output=True)
        if shutil.which("strace") is None:
            raise Unavailable("strace is missing, and can't be installed by apt-get")
    injected = ("-e", "inject=fsync:error=EIO")
    tried = subprocess.run(["strace", "-f", *injected, "sync", suite.directory], capture_output=True, text=True)
    if tried.returncode == 0 or "INJECTED" not in tried.stderr:
        raise Unavailable(f"strace can't make system calls fail here: {tried.stderr.strip()[-200:]}")


def start_failing(program: Program, trace, injection: str, *arguments: object) -> Writer:
    """Starts `write` with system calls that fail."""
    call = injection.partition(":")[0]
    command = program.command(("write", "--receipts", *arguments))
    prefix = ["setpriv", "--pdeathsig", "KILL", "strace", "-f", "--seccomp-bpf", "-qq", "-o", trace]
    # Only what is asked for, or each call costs two switches.
    prefix += ["-e", f"trace={call}", "-e", f"inject={injection}"]
    return Writer([*map(str, prefix), *command], program.environment)


def fails(suite: Suite, lines: Lines, number: int, call: str, error: str, when: str, ends: int | None) -> None:
    """One fault, and the next start without it."""
    what = f"failing disk, {call} {error} at {when}"
    program, oracle, bucket = suite.program(), Oracle(lines), suite.bucket(f"failing-{number}")
    queue, trace = suite.directory / f"queue-{number}", suite.directory / "trace"
    to = ("--to", bucket.url, "--local-directory", queue, "--id", "failing", *SMALL)
    options = ("--close-timeout", "2s") if ends == WAITS else ()
    # What can't be read back can't leave the queue: no more than fits.
    count = {WAITS: LINES // 4, ENDS: LINES_MAX}.get(ends, LINES)
    first = oracle.begin(count)
    with start_failing(program, trace, f"{call}:error={error}:when={when}", *to, *options) as writer:
        writer.feed(lines.blocks(first, count), close=True)
        status = writer.wait()
    oracle.end(first, writer.durable, writer.uploaded)
    injected = trace.read_text(errors="replace").count("(INJECTED)")
    note(f"{what}: {injected} times; ended with {status}; {writer.durable} durable, {writer.uploaded} uploaded")
    check(injected or ends is None, f"{what}: it happened")
    if ends is not None:
        check(status == ends, f"{what}: it ends with {ends}", f"{status}: {writer.stderr}")
    check("panicked" not in writer.stderr and status in (0, 73, 74, 75), f"{what}: it ends in order", writer.stderr)
    if status == ENDS:
        check_latched(writer.stderr, queue, TOLD[error], what)
    elif status == WAITS:
        check("reading" in writer.stderr and TOLD[error] in writer.stderr, f"{what}: it says why", writer.stderr)
        equal(writer.durable, count, f"{what}: all is durable")
    elif status == GOES_ON:
        equal((writer.durable, writer.uploaded), (count, count), f"{what}: all arrives all the same")
    # The next start, on a disk that is mended.
    second = oracle.begin(100)
    done = program.run("write", *to, stdin=b"".join(lines.blocks(second, 100)))
    equal(done.returncode, 0, f"{what}: the next start ends well")
    oracle.end(second, 0, 0)
    oracle.check(bucket, suite.directory / "objects", what)
    check_closed(bucket, what)
    shutil.rmtree(queue)


def check_latched(stderr: str, queue: Path, error: str, what: str) -> None:
    """The last line names the file and what failed first, and says what to do."""
    last = (stderr.splitlines() or [""])[-1]
    wanted = ("s3-journal: error:", "failed", error)
    # The opening syncs the directories above the queue's, too, and is as right to name one of those.
    names = str(queue) in last or any(f" of {above} failed:" in last for above in queue.parents)
    check(names and all(words in last for words in wanted), f"{what}: it names what failed", stderr)
    check("run the same command again" in last or "open it again" in last, f"{what}: it says what to do", stderr)
