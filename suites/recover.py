"""Machines that die in the middle of an upload, and lose their disk: `recover` tells what they left, brings back what can
be read, gives up the rest when told, and goes on wherever it was cut short itself. Everybody's decoders read the result."""

import json
import shutil
import time
from pathlib import Path

import decoders
import text
from bucket import Bucket
from checks import check, equal, note
from program import Program
from store import READER
from suite import Suite

MIB = 1 << 20
COMPRESSORS = ("none", "gzip", "zstd", "snappy", "lz4", "lzma2")
# Lines that no compressor makes small: parts are 5 MiB at least.
CONTENT_BYTES = 32 * MIB
# An upload is worth something when it has as many parts.
PARTS = 2
NEWLINE = b"\n"


def run(suite: Suite) -> None:
    decoders.install_programs()
    suite.server.start()
    content = text.hard_to_compress(CONTENT_BYTES, suite.random.randrange(1 << 32))
    for compressor in COMPRESSORS:
        brought_back(suite, compressor, content)
    cut_short(suite, content, suite.size(6, 30))
    left_over(suite)
    denied(suite, content)


def abandoned(suite: Suite, name: str, content: bytes, *options: object) -> tuple[Bucket, str]:
    """A machine that died while it uploaded, and whose directory is gone: its bucket and its incarnation."""
    bucket, program = suite.bucket(name), suite.program()
    queue = suite.directory / f"queue-{name}"
    to = ("--to", bucket.url, "--local-directory", queue, "--id", name)
    shape = ("--max-object-size", 512 * MIB, "--max-object-age", "1h", "--part-size", 5 * MIB)
    with program.start_write(*to, *shape, *options) as writer:
        writer.feed([content], close=False)
        begun = writer.wait_for(lambda: parts(bucket) >= PARTS, f"{name}: {PARTS} parts of an upload are there")
        check(begun, f"{name}: the machine dies in the middle of an upload", writer.stderr)
        writer.kill()
    incarnation = program.status(queue)["incarnation"]
    shutil.rmtree(queue)
    return bucket, incarnation


def parts(bucket: Bucket) -> int:
    """The parts of all open uploads that follow each other from the first on: they arrive in any order."""
    answer = bucket.client.list_multipart_uploads(Bucket=bucket.name, Prefix=f"{bucket.prefix}/")
    count = 0
    for upload in answer.get("Uploads", []):
        try:
            listed = bucket.client.list_parts(Bucket=bucket.name, Key=upload["Key"], UploadId=upload["UploadId"])
        except bucket.client.exceptions.NoSuchUpload:
            continue
        numbers = {part["PartNumber"] for part in listed.get("Parts", [])}
        count += next(number for number in range(len(numbers) + 1) if number + 1 not in numbers)
    return count


def recover(program: Program, bucket: Bucket, *options: object, status: int = 0, what: str) -> list[dict]:
    """Runs it; its objects, and at the end its totals."""
    done = program.run("recover", "--json", "--to", bucket.url, *options)
    equal((done.returncode, done.stderr), (status, ""), f"{what}: recover ends with {status}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def brought_back(suite: Suite, compressor: str, content: bytes) -> None:
    what = f"recovered {compressor}"
    bucket, incarnation = abandoned(suite, f"recover-{compressor}", content, "--compressor", compressor)
    program = suite.program()
    uploads = bucket.open_uploads()

    *living, totals = recover(program, bucket, what=what)
    found = (totals["totals"]["living"], living[0]["object"]["state"])
    equal(found, (1, "living"), f"{what}: a young upload is taken for a living machine's")
    recover(program, bucket, "--complete", "--abort", what=f"{what}, with --complete --abort while it is young")
    equal(bucket.open_uploads(), uploads, f"{what}: and nothing is touched")

    *items, totals = recover(program, bucket, "--older-than", "0", what=f"{what}, told that it is gone")
    item = items[0]["object"]
    equal((item["state"], item["action"]), ("recoverable", "would_complete"), f"{what}: it is told, and not done")
    check(item["uploads"][0]["usable_parts"] >= PARTS, f"{what}: with its parts", item)
    equal(bucket.open_uploads(), uploads, f"{what}: a dry run changes nothing")
    told = program.run("recover", "--to", bucket.url, "--older-than", "0", "--complete")
    check(told.returncode == 2 and "--incarnation" in told.stderr, f"{what}: whose it is must be said", told.stderr)

    gone = ("--older-than", "0", "--incarnation", incarnation)
    *items, totals = recover(program, bucket, "--complete", *gone, what=f"{what}, --complete")
    entries = totals["totals"]["recovered_entries"]
    equal(totals["totals"]["recovered"], 1, f"{what}: it is recovered")
    check(0 < entries <= content.count(b"\n"), f"{what}: with what had arrived of the lines", entries)
    check_prefix(suite, bucket, program, first_lines(content, entries), compressor, what)
    *items, totals = recover(program, bucket, "--complete", "--abort", *gone, what=f"{what}, once more")
    equal(totals["totals"]["found"], 0, f"{what}: nothing is left to do")


def first_lines(content: bytes, lines: int) -> bytes:
    """The first lines of it."""
    return b"".join(content.splitlines(keepends=True)[:lines])


def check_prefix(
    suite: Suite, bucket: Bucket, program: Program, expected: bytes, compressor: str, what: str
) -> None:
    """The bucket holds the first lines, in one whole object, and nothing else."""
    objects = bucket.objects()
    equal(len(objects), 1, f"{what}: there is one object")
    check(".recovered.journal" in objects[0].key, f"{what}: whose name says what it is", objects[0].key)
    equal(bucket.open_uploads(), [], f"{what}: no upload is left open")
    for depth in ((), ("--chain",), ("--deep",)):
        verified = program.run("verify", "--json", *depth, "--to", bucket.url)
        report = json.loads(verified.stdout)
        found = (verified.returncode, report["findings"], report["foreign"])
        equal(found, (0, [], 0), f"{what}: verify {' '.join(depth)} finds it whole")
    cat = program.run("cat", "--to", bucket.url)
    equal(cat.returncode, 0, f"{what}: cat ends well")
    check(cat.stdout == expected, f"{what}: cat gives its {expected.count(NEWLINE)} lines, in order", len(cat.stdout))
    directory = suite.directory / f"objects-{bucket.prefix}"
    paths: list[Path] = bucket.download(directory)
    for reader, decode in decoders.decoders(compressor).items():
        try:
            problem = "" if decode(paths) == expected else "other bytes"
        except ValueError as error:
            problem = str(error)
        check(not problem, f"{what}: read by {reader}", problem)
    shutil.rmtree(directory)


def cut_short(suite: Suite, content: bytes, kills: int) -> None:
    """`recover` itself is killed at random moments, again and again, and then let run to its end."""
    what = "recovery cut short"
    bucket, incarnation = abandoned(suite, "recover-killed", content, "--compressor", "zstd")
    program = suite.program()
    command = ("recover", "--json", "--complete", "--older-than", "0", "--incarnation", incarnation)
    seen = set()
    for kill in range(1, kills + 1):
        # Later and later, so that kills fall into later steps, too; the last may find it done.
        seconds = suite.random.uniform(0, 2 * kill / kills)
        program.kill_after(seconds, *command, "--to", bucket.url)
        # What was killed may still be served for a moment: read again until nothing has changed meanwhile.
        keys, cat = None, None
        while keys != (keys := [stored["Key"] for stored in listed(bucket)]):
            cat = program.run("cat", "--to", bucket.url)
        state = (
            any(key.endswith(".journal.zst") and ".recover" not in key for key in keys),
            any(".recovered." in key for key in keys),
            any(".recovering." in key for key in keys),
        )
        seen.add(state)
        if state == (True, False, True):
            continue
        is_prefix = cat.returncode == 0 and content.startswith(cat.stdout)
        check(is_prefix, f"{what}: readers see neither a gap nor a double", cat.stderr)
    note(f"{what}: {len(seen)} states (torn, recovered, note) were seen after {kills} kills: {sorted(seen)}")
    # For the same reason.
    time.sleep(1)
    recover(program, bucket, *command[2:], what=f"{what}, run to its end")
    lines = program.run("cat", "--to", bucket.url).stdout.count(NEWLINE)
    check(lines > 0, f"{what}: lines are there")
    check_prefix(suite, bucket, program, first_lines(content, lines), "zstd", what)


def listed(bucket: Bucket) -> list[dict]:
    return bucket.client.list_objects_v2(Bucket=bucket.name, Prefix=f"{bucket.prefix}/").get("Contents", [])


def left_over(suite: Suite) -> None:
    """Uploads of which nothing can be brought back are given up when told, and nobody else's."""
    what = "left over"
    bucket, program = suite.bucket("recover-left"), suite.program()
    queue = suite.directory / "queue-left"
    written = program.run(
        "write", "--to", bucket.url, "--local-directory", queue, "--id", "left", stdin=text.numbered(0, 10)
    )  # fmt: skip
    equal(written.returncode, 0, f"{what}: a journal writes an object")
    key = bucket.objects()[0].key
    incarnation = bucket.objects()[0].incarnation
    client = bucket.client
    for of in (key, key.replace("-00000000-", "-00000001-"), f"{bucket.prefix}/somebody/elses"):
        client.create_multipart_upload(Bucket=bucket.name, Key=of)
    gone = ("--older-than", "0", "--incarnation", incarnation)
    *items, _ = recover(program, bucket, *gone, what=what)
    found = [(item["object"]["state"], item["object"]["action"]) for item in items]
    equal(found, [("in_bucket", "would_abort"), ("unusable", "would_abort")], f"{what}: they are told")
    *_, totals = recover(program, bucket, "--complete", *gone, what=f"{what}, --complete")
    equal(len(bucket.open_uploads()), 3, f"{what}: completing gives nothing up")
    *_, totals = recover(program, bucket, "--abort", *gone, what=f"{what}, --abort")
    equal(totals["totals"]["aborted_uploads"], 2, f"{what}: they are given up when told")
    equal(bucket.open_uploads(), [f"{bucket.prefix}/somebody/elses"], f"{what}: and somebody else's isn't")
    equal(len(bucket.objects()), 1, f"{what}: the object is there")


def denied(suite: Suite, content: bytes) -> None:
    """Who may only read is told what is missing, and nothing is half done."""
    what = "recovery denied"
    bucket, incarnation = abandoned(suite, "recover-denied", content)
    uploads = bucket.open_uploads()
    gone = ("--complete", "--older-than", "0", "--incarnation", incarnation)
    done = suite.program(READER).run("recover", *gone, "--to", bucket.url)
    check(done.returncode == 77 and "it needs s3:" in done.stderr, f"{what}: 77, and the permission", done.stderr)
    equal((bucket.open_uploads(), listed(bucket)), (uploads, []), f"{what}: nothing was done")
    *_, totals = recover(suite.program(), bucket, *gone, what=f"{what}, then permitted")
    equal(totals["totals"]["recovered"], 1, f"{what}: it is recovered once it is permitted")
