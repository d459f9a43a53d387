"""The power goes while `write` runs: ext4 and xfs on an image file are stopped by the shutdown ioctl, which drops what
wasn't synced; mounted again, the journal opens, and what it had called durable is in the bucket, once, in order."""

import time

import decoders
import packages
import volume
from checks import check, equal, note, skip
from kill import complaints
from oracle import Lines, Oracle, check_closed
from suite import Suite

MIB = 1 << 20
# xfs refuses anything smaller than 300 MB.
VOLUME_BYTES = 512 * MIB
SHAPES = (
    ("--max-object-size", MIB, "--max-object-age", "300ms", "--compressor", "gzip"),
    ("--max-object-size", 12 * MIB, "--part-size", 5 * MIB, "--compressor", "none"),
    ("--max-object-size", 30 * MIB, "--part-size", 5 * MIB, "--compressor", "zstd"),
)
LINES_MAX = 150_000
LOST_AFTER_SECONDS_MAX = 2.5
# The kernel writes out what nobody synced when it likes, and more so on a machine that is busy writing.
NO_FSYNC_TRIES = 5


def run(suite: Suite) -> None:
    decoders.install_programs()
    lines = Lines()
    for kind in ("ext4", "xfs"):
        try:
            with volume.mounted(kind, suite.directory / kind, VOLUME_BYTES) as mounted:
                suite.server.start()
                power_goes(suite, mounted, lines, suite.size(6, 60))
                without_fsync(suite, mounted, lines)
        except packages.Unavailable as missing:
            skip(f"power loss on {kind}", missing)


def power_goes(suite: Suite, mounted: volume.Volume, lines: Lines, times: int) -> None:
    what, bucket, program = f"power loss, {mounted.kind}", suite.bucket(f"power-{mounted.kind}"), suite.program()
    oracle, queue = Oracle(lines), mounted.place / "queue"
    to = ("--to", bucket.url, "--local-directory", queue, "--id", "power")
    cut = 0
    for _ in range(times):
        count = suite.random.randrange(LINES_MAX // 10, LINES_MAX)
        number = oracle.begin(count)
        each = f"{what}, time {number + 1}"
        latency = suite.random.choice(("1ms", "20ms", "100ms"))
        shape = suite.random.choice(SHAPES)
        with program.start_write(*to, *shape, "--max-batch-latency", latency) as writer:
            writer.feed(lines.blocks(number, count), close=False)
            # Now and then while it opens, else somewhere while it writes.
            if suite.random.random() < 0.8:
                writer.wait_for(lambda writer=writer: writer.durable > 0, f"{each}: something is durable")
            ended = writer.ends_within(suite.random.random() * LOST_AFTER_SECONDS_MAX)
            check(not ended, f"{each}: it runs until the power goes", writer.stderr)
            mounted.lose_power()
            # It may still say what it was told before: nothing that it hasn't.
            if suite.random.random() < 0.5:
                time.sleep(0.2)
            writer.kill()
        cut += "cut off the log" in writer.stderr
        oracle.end(number, writer.durable, writer.uploaded)
        mounted.unmount()
        mounted.mount()
    # Once more without a kill: the disk fails under it, and it says so.
    count = LINES_MAX
    number = oracle.begin(count)
    each = f"{what}, not killed"
    with program.start_write(*to) as writer:
        writer.feed(lines.blocks(number, count), close=False)
        writer.wait_for(lambda: writer.durable > 0, f"{each}: something is durable")
        mounted.lose_power()
        writer.feed(lines.blocks(number, count + 10, count), close=False)
        oracle.runs[number].fed += 10
        equal(writer.wait(), 74, f"{each}: it ends with 74 by itself")
    told = "the journal has failed" in writer.stderr and "run the same command again" in writer.stderr
    check(told, f"{each}: it says that the journal has failed, and what to do", writer.stderr)
    for line in writer.stderr.splitlines():
        note(line)
    oracle.end(number, writer.durable, writer.uploaded)
    mounted.unmount()
    mounted.mount()
    done = program.run("write", *to)
    equal((done.returncode, complaints(done.stderr)), (0, []), f"{what}: with power, the last run ends well")
    oracle.check(bucket, suite.directory / "objects", what)
    cut += "cut off the log" in done.stderr
    check_closed(bucket, what)
    verified = program.run("verify", "--deep", "--to", bucket.url)
    equal(verified.returncode, 0, f"{what}: verify --deep finds it whole")
    note(f"{what}: lost {times + 1} times; the log had a torn end in {cut}")


def without_fsync(suite: Suite, mounted: volume.Volume, lines: Lines) -> None:
    """The same with `--no-fsync`, where *durable* means handed to the operating system: the loss shows, so this suite
    would notice one."""
    what, told = f"power loss, {mounted.kind}, without fsync", 10_000
    for number in range(1, NO_FSYNC_TRIES + 1):
        there = lines_left(suite, mounted, lines, told, number, what)
        note(f"{what}, try {number}: {there} of {told} lines are there")
        if there < told:
            break
    check(there < told, f"{what}: of {told} lines told some are lost", there)


def lines_left(suite: Suite, mounted: volume.Volume, lines: Lines, told: int, number: int, what: str) -> int:
    """How many of the lines told durable are in the bucket after the power has gone."""
    name, program = f"no-fsync-{number}", suite.program()
    bucket, queue = suite.bucket(f"power-{name}-{mounted.kind}"), mounted.place / f"queue-{name}"
    to = ("--to", bucket.url, "--local-directory", queue, "--id", "power", "--no-fsync")
    with program.start_write(*to, "--max-batch-latency", "10ms") as writer:
        writer.feed(lines.blocks(0, told), close=False)
        writer.wait_for(lambda: writer.durable == told, f"{what}: all is told durable")
        mounted.lose_power()
        writer.kill()
    mounted.unmount()
    mounted.mount()
    done = program.run("write", *to)
    there = sum(content.count(b"\n") for content in bucket.read())
    equal(done.returncode, 0, f"{what}: the last run ends well")
    return there
