"""`write` is killed with -9 at random moments; what it had called durable is in the bucket in the end, once, in order.

Moments are random, what is asserted is not: it holds wherever the kill falls.
"""

import zlib
from collections.abc import Callable, Iterator

import text
from bucket import Bucket
from checks import check, equal, note
from program import Program, Writer, lines_said
from suite import Suite

MIB = 1 << 20
# Part and object sizes, so that kills fall into single puts, into uploads with some parts, and between objects.
SHAPES = (
    ("--max-object-size", MIB, "--part-size", 5 * MIB),
    ("--max-object-size", 12 * MIB, "--part-size", 5 * MIB),
    ("--max-object-size", 64 * MIB, "--part-size", 5 * MIB),
)
# Lines that a run is given at most: about 18 MB. An upload is begun when it has two parts.
LINES_MAX = 160_000
# The longest wait between a moment that can be seen from outside and the kill.
LAG_SECONDS_MAX = 0.2
TOLD_WITHIN_SECONDS = 60
# A write that the kill cut short is cut off the log at the next opening, which says so.
CUT = "WARN bytes that were never acknowledged were cut off the log after an unclean end"


def run(suite: Suite) -> None:
    suite.server.start()
    kills = suite.size(4, 10)
    from_standard_input(suite, kills)
    from_a_file(suite, kills)


def from_standard_input(suite: Suite, kills: int) -> None:
    """Each run is fed from where `status` says that the journal ends."""
    bucket, program = suite.bucket("kill-stdin"), suite.program()
    queue = suite.directory / "queue-stdin"
    to = ("--to", bucket.url, "--local-directory", queue, "--id", "killed")
    promised = 0
    for number in range(1, kills + 1):
        what = f"standard input, kill {number}"
        first = next_sequence(program, queue)
        check(first >= promised, f"{what}: all {promised} durable lines are still there", first)
        lines = suite.random.randrange(LINES_MAX // 8, LINES_MAX)
        with program.start_write(*to, *shape(suite)) as writer:
            writer.feed(text.blocks(first, first + lines), close=False)
            killed_at = kill_at_some_moment(suite, writer, bucket, first, lines, what)
        note(f"{what}: {killed_at}; {writer.durable} durable, {writer.uploaded} uploaded")
        check_prefix(bucket, writer, what)
        promised = max(promised, writer.durable)
    what = "standard input, the last run"
    first = next_sequence(program, queue)
    check(first >= promised, f"{what}: all {promised} durable lines are still there", first)
    end = first + LINES_MAX // 8
    with program.start_write(*to) as writer:
        writer.feed(text.blocks(first, end), close=True)
        status = writer.wait()
        equal((status, complaints(writer.stderr)), (0, []), f"{what} ends well")
        equal((writer.durable, writer.uploaded), (end, end), f"{what}: its last receipt tells of all lines")
    check_whole(bucket, program, end, what)


def from_a_file(suite: Suite, kills: int) -> None:
    """A file that grows from run to run, and that the program goes on with by itself."""
    bucket, program = suite.bucket("kill-file"), suite.program()
    queue, file = suite.directory / "queue-file", suite.directory / "lines"
    to = ("--to", bucket.url, "--local-directory", queue, "--id", "killed", "--compressor", "gzip")
    end = 0
    for number in range(1, kills + 1):
        what = f"file, kill {number}"
        lines = suite.random.randrange(LINES_MAX // 4, LINES_MAX)
        with open(file, "ab") as growing:
            growing.writelines(text.blocks(end, end + lines))
        first, end = next_sequence(program, queue), end + lines
        # After the file standard input is read, which is held open: the program doesn't end by itself.
        with program.start_write(*to, *shape(suite), file, "-") as writer:
            killed_at = kill_at_some_moment(suite, writer, bucket, first, end - first, what)
        note(f"{what}: {killed_at}; {writer.durable} durable, {writer.uploaded} uploaded")
        check_prefix(bucket, writer, what, gunzipped)
        check(next_sequence(program, queue) >= writer.durable, f"{what}: all durable lines are still there")
    done = program.run("write", *to, file)
    equal((done.returncode, complaints(done.stderr)), (0, []), "file, the last run ends well")
    check_whole(bucket, program, end, "file, the last run", "--deep")
    again = program.run("write", *to, file)
    equal((again.returncode, next_sequence(program, queue)), (0, end), "file, once more: nothing is taken twice")


def shape(suite: Suite) -> tuple:
    return suite.random.choice(SHAPES)


def next_sequence(program: Program, queue) -> int:
    status = program.status(queue)
    return status["next_sequence"] if status else 0


def kill_at_some_moment(suite: Suite, writer: Writer, bucket: Bucket, first: int, lines: int, what: str) -> str:
    """Waits for one of several moments and a little longer, and kills; says which moment it was."""
    durable = first + suite.random.randrange(1, lines)
    moments = {
        "while it opened": lambda: True,
        f"from {durable} durable on": lambda: writer.durable >= durable,
        "once all was durable": lambda: writer.durable >= first + lines,
        "with an upload open or an object done": lambda: writer.uploaded > first or bucket.open_uploads(),
    }
    name = suite.random.choice(sorted(moments))
    # With few lines or big objects nothing goes up before the input ends, so all being durable is enough.
    reached = writer.wait_for(
        lambda: moments[name]() or writer.durable >= first + lines, f"{what}: {name}", TOLD_WITHIN_SECONDS
    )
    lag = suite.random.uniform(0, LAG_SECONDS_MAX)
    ended = not reached or writer.ends_within(lag)
    check(not ended, f"{what}: it runs until it is killed", writer.stderr)
    writer.kill()
    return f"{name} and {lag * 1000:.0f} ms"


def complaints(stderr: str) -> list[str]:
    """What a run said, without the one line that a kill in the middle of a write explains: bytes nobody was promised."""
    return [line for line in lines_said(stderr) if CUT not in line]


def gunzipped(objects: Iterator[bytes]) -> Iterator[bytes]:
    """Gzip streams, one after the other, as the lines in them."""
    decoder = zlib.decompressobj(wbits=31)
    for chunk in objects:
        while chunk:
            yield decoder.decompress(chunk)
            chunk = decoder.unused_data
            if decoder.eof:
                decoder = zlib.decompressobj(wbits=31)


def check_prefix(bucket: Bucket, writer: Writer, what: str, decoded: Callable = iter) -> None:
    """What is in the bucket right after a kill: the lines from 0 on, at least those that were told uploaded."""
    lines, problem = text.difference(decoded(bucket.read()))
    check(not problem, f"{what}: the bucket has the first lines, once, in order", problem)
    check(lines >= writer.uploaded, f"{what}: all {writer.uploaded} lines told uploaded are in it", lines)


def check_whole(bucket: Bucket, program: Program, lines: int, what: str, *verify: str) -> None:
    """Every line once, in order; nothing else; nothing left open."""
    bucket.check_row(what)
    cat = program.run("cat", "--to", bucket.url)
    equal(cat.returncode, 0, f"{what}: cat ends well")
    _, problem = text.difference([cat.stdout], lines)
    check(not problem, f"{what}: all {lines} lines are there, once, in order", problem)
    verified = program.run("verify", *verify, "--to", bucket.url)
    equal(verified.returncode, 0, f"{what}: verify finds it whole")
