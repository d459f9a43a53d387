"""A bucket that isn't there, a wrong secret, a user who may not: `write` waits and says what to do; readers say why
they can't; everything arrives once it is mended."""

import text
from checks import check, equal, note
from outage import check_last_word
from program import Program, lines_said
from store import ADMIN, READER, WRITER
from suite import Suite

LINES = 5_000
# Long enough for a busy store to answer.
CLOSE_TIMEOUT = ("--close-timeout", "5s")


def run(suite: Suite) -> None:
    suite.server.start(create_bucket=False)
    missing_bucket(suite)
    wrong_secret(suite)
    denied(suite)


def missing_bucket(suite: Suite) -> None:
    what = "missing bucket"
    program, url = suite.program(), f"s3://{suite.server.bucket}/missing"
    queue = suite.directory / "queue-missing"
    parked(program, url, queue, ("no such bucket", "create the bucket, or correct its name"), what)
    readers(program, url, 69, "no such bucket", what)
    # One that is running meanwhile needs no new start.
    running_url, running_queue = f"s3://{suite.server.bucket}/running", suite.directory / "queue-running"
    with program.start_write("--to", running_url, "--local-directory", running_queue) as writer:
        writer.feed(text.blocks(0, LINES), close=True)
        told = writer.wait_for(lambda: "create the bucket" in writer.stderr, f"{what}: it is told")
        check(told and writer.is_running(), f"{what}: write without a close timeout tells it and waits", writer.stderr)
        suite.server.create_bucket()
        equal(writer.wait(), 0, f"{what}: it goes on by itself once the bucket is there")
        equal((writer.durable, writer.uploaded), (LINES, LINES), f"{what}: and delivers everything")
        equal(len(lines_said(writer.stderr)), 1, f"{what}: having told it in one line")
    arrived(suite, "running", f"{what}, running")
    delivered(program, url, queue, what)
    arrived(suite, "missing", what)


def wrong_secret(suite: Suite) -> None:
    what = "wrong secret"
    url, queue = suite.bucket("secret").url, suite.directory / "queue-secret"
    wrong = suite.program((ADMIN[0], "not-the-secret"))
    parked(wrong, url, queue, ("permission denied", "check access key and secret key"), what)
    readers(wrong, url, 77, "permission denied", what)
    delivered(suite.program(), url, queue, what)
    arrived(suite, "secret", what)


def denied(suite: Suite) -> None:
    what = "denied"
    url, queue = suite.bucket("denied").url, suite.directory / "queue-denied"
    parked(suite.program(READER), url, queue, ("permission denied", "grant s3:PutObject"), what)
    # One that may write and nothing else: no listing, no HEAD.
    writer = suite.program(WRITER)
    delivered(writer, url, queue, f"{what}, then granted writing alone")
    readers(writer, url, 77, "permission denied", what)
    arrived(suite, "denied", what)
    cat = suite.program(READER).run("cat", "--to", url)
    _, problem = text.difference([cat.stdout], LINES)
    equal((cat.returncode, problem), (0, ""), f"{what}: one who may only read gets everything by cat")


def parked(program: Program, url: str, queue, words: tuple[str, ...], what: str) -> None:
    """`write` keeps everything, says why and what to do, and ends with 75."""
    lines = b"".join(text.blocks(0, LINES))
    done = program.run("write", "--to", url, "--local-directory", queue, *CLOSE_TIMEOUT, stdin=lines)
    equal(done.returncode, 75, f"{what}: write ends with 75")
    for line in done.stderr.splitlines():
        note(line)
    telling = any(all(word in line for word in words) for line in done.stderr.splitlines())
    check(telling, f"{what}: a line on standard error says why, and what to do", done.stderr)
    check(len(lines_said(done.stderr)) <= 2, f"{what}: there is no flood of lines", done.stderr)
    check_last_word(done.stderr, queue, LINES, what)
    status = program.status(queue)
    equal(
        (status["next_sequence"], status["pending_entries"]), (LINES, LINES), f"{what}: everything waits in the queue"
    )


def readers(program: Program, url: str, exit_status: int, words: str, what: str) -> None:
    """`cat`, `ls` and `verify` say why they can't, in one line, and with which status."""
    for command in ("cat", "ls", "verify"):
        done = program.run(command, "--to", url)
        equal(done.returncode, exit_status, f"{what}: {command} ends with {exit_status}")
        told = words in done.stderr and done.stderr.count("\n") == 1 and not done.stdout
        check(told, f"{what}: {command} says why, in one line", done.stderr)


def delivered(program: Program, url: str, queue, what: str) -> None:
    """The same command with nothing to read delivers what waits."""
    done = program.run("write", "--to", url, "--local-directory", queue)
    equal((done.returncode, lines_said(done.stderr)), (0, []), f"{what}: once mended, the next run ends well")
    equal(program.status(queue)["pending_entries"], 0, f"{what}: nothing waits any more")


def arrived(suite: Suite, prefix: str, what: str) -> None:
    """Every line once, in order, in the bucket."""
    bucket = suite.bucket(prefix)
    bucket.check_row(what)
    _, problem = text.difference(bucket.read(), LINES)
    check(not problem, f"{what}: all {LINES} lines are in the bucket, once, in order", problem)
