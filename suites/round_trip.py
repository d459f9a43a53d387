"""Real text through `write` into a real S3 server with each compressor, and back by other people's tools, byte for
byte; and what somebody damages there is noticed."""

import json
import os
import subprocess
from pathlib import Path

import decoders
import environment
import text
from checks import check, equal, note
from program import lines_said
from suite import Suite

COMPRESSORS = ("none", "gzip", "zstd", "snappy", "lz4", "lzma2")
MIB = 1 << 20


def run(suite: Suite) -> None:
    decoders.install_programs()
    suite.server.start()
    real = text.machine(suite.size(6 * MIB, 90 * MIB))
    # Text alone compresses to less than the two parts that make a multipart upload (5 MiB is S3's least part).
    mixed = text.machine(2 * MIB) + text.hard_to_compress(18 * MIB, suite.random.randrange(1 << 32))
    lines = real.count(b"\n")
    note(f"{len(real)} bytes of real text in {lines} lines; {len(mixed)} bytes with what is hard to compress")
    for compressor in COMPRESSORS:
        small = ["--max-object-size", suite.size(512 << 10, 4 * MIB), "--max-batch-bytes", 64 << 10, "--shards", 3]
        one_way(suite, f"{compressor}-small", compressor, real, small, in_parts=False)
        parts = ["--max-object-size", 12 * MIB, "--part-size", 5 * MIB]
        one_way(suite, f"{compressor}-parts", compressor, mixed, parts, in_parts=True)
    note(f"gzip was read by java, too: {'Java' in ' '.join(decoders.decoders('gzip'))}")
    through_aws_cli(suite, real)
    damaged(suite, text.machine(2 * MIB))


def one_way(suite: Suite, name: str, compressor: str, content: bytes, options: list, in_parts: bool) -> None:
    """Writes, and reads in every way there is."""
    program, bucket = suite.program(), suite.bucket(name)
    to = ["--to", bucket.url]
    queue = suite.directory / f"queue-{name}"
    written = program.run(
        "write", *to, "--local-directory", queue, "--id", name, "--compressor", compressor, *options, stdin=content
    )  # fmt: skip
    if not equal((written.returncode, lines_said(written.stderr)), (0, []), f"{name}: write ends well and says nothing"):
        return
    objects = bucket.check_row(name)
    if in_parts:
        most = max(stored.parts for stored in objects)
        check(most >= 2, f"{name}: an object went up in several parts", most)
    else:
        shards = {stored.key.split("/")[1] for stored in objects}
        expected = {str(shard) for shard in range(min(3, len(objects)))}
        equal(shards, expected, f"{name}: the objects are spread over their shards")
    downloaded = bucket.download(suite.directory / f"objects-{name}")
    for reader, decode in decoders.decoders(compressor).items():
        same(lambda decode=decode: decode(downloaded), content, f"{name}: read by {reader}")
    for path in downloaded:
        path.unlink()
    out = suite.directory / "cat"
    cat = program.run("cat", *to, out=out)
    equal(cat.returncode, 0, f"{name}: cat ends well")
    same(out.read_bytes, content, f"{name}: read by cat")
    out.unlink()
    lines = content.count(b"\n")
    check_ls(program.run("ls", "--json", *to).stdout, objects, lines, name)
    equal(program.run("verify", *to).returncode, 0, f"{name}: verify finds it whole")
    deep = program.run("verify", "--deep", "--json", *to)
    equal(deep.returncode, 0, f"{name}: verify --deep finds it whole")
    report = json.loads(deep.stdout or "{}")
    entries = [stream.get("entries") for stream in report.get("streams", [])]
    equal((report.get("whole"), entries), (True, [lines]), f"{name}: verify --deep counts the lines")
    status = program.status(queue)
    equal((status["pending_entries"], status["next_sequence"]), (0, lines), f"{name}: nothing waits in the queue")


def check_ls(output: bytes, objects: list, lines: int, name: str) -> None:
    """`ls` must say what the bucket says: the same objects, sequence ranges without a gap."""
    told = [json.loads(line) for line in output.splitlines()]
    same_objects = [(o["number"], o["first"], o["bytes"], o["key"]) for o in told] == [
        (stored.number, stored.first, stored.size, stored.key) for stored in objects
    ]
    check(same_objects, f"{name}: ls lists what boto3 lists", f"{len(told)} and {len(objects)} objects")
    follows = [o["last"] + 1 for o in told[:-1]] == [o["first"] for o in told[1:]]
    check(follows and told[0]["first"] == 0 and told[-1]["first"] < lines, f"{name}: ls shows ranges without a gap")


def through_aws_cli(suite: Suite, content: bytes) -> None:
    """The way most people would take: `aws s3 cp --recursive` and `zcat` over what came, in key order."""
    program, bucket = suite.program(), suite.bucket("aws-cli")
    options = ["--to", bucket.url, "--local-directory", suite.directory / "queue-aws-cli", "--max-object-size", MIB]
    written = program.run("write", *options, "--compressor", "gzip", stdin=content)
    equal(written.returncode, 0, "aws-cli: write ends well")
    directory = suite.directory / "aws-cli"
    aws = [environment.VENV / "bin" / "aws", "s3", "cp", "--recursive", "--only-show-errors", bucket.url, directory]
    done = subprocess.run(list(map(str, aws)), env=program.environment, capture_output=True, check=False)
    equal((done.returncode, done.stderr), (0, b""), "aws-cli: aws s3 cp --recursive fetches the objects")
    paths = sorted(Path(place, name) for place, _, names in os.walk(directory) for name in names)
    same(
        lambda: decoders.output_of("gzip", "-dc", *paths), content, "aws-cli: the gzip program reads them in key order"
    )


def damaged(suite: Suite, content: bytes) -> None:
    """What somebody else damages in the bucket is noticed: a flipped bit, then an object that is gone."""
    program, bucket = suite.program(), suite.bucket("damaged")
    to = ["--to", bucket.url]
    options = ["--local-directory", suite.directory / "queue-damaged", "--max-object-size", 256 << 10]
    written = program.run("write", *to, *options, "--max-batch-bytes", 32 << 10, stdin=content)
    equal(written.returncode, 0, "damaged: write ends well")
    objects = bucket.objects()
    victim = objects[len(objects) // 2]
    where = {"Bucket": bucket.name, "Key": victim.key}
    found = bucket.client.get_object(**where)
    body = bytearray(found["Body"].read())
    at = suite.random.randrange(len(body))
    body[at] ^= 1 << suite.random.randrange(8)
    bucket.client.put_object(**where, Body=bytes(body), Metadata=found["Metadata"])
    what = f"damaged: with a bit flipped in byte {at} of object {victim.number}"
    deep = program.run("verify", "--deep", *to)
    equal(deep.returncode, 65, f"{what} verify --deep ends with 65")
    check(victim.key in deep.stdout.decode(), f"{what} verify --deep names the object", deep.stdout)
    bucket.client.delete_object(**where)
    what = f"damaged: without object {victim.number}"
    for command in ("verify", "cat"):
        done = program.run(command, *to)
        equal(done.returncode, 65, f"{what} {command} ends with 65")
    before = content[: len(done.stdout)]
    lines_before = before.count(b"\n")
    equal((done.stdout == before, lines_before), (True, victim.first), f"{what} cat gives what comes before it")


def same(read, content: bytes, what: str) -> None:
    """Checks bytes without printing them; a decoder that refuses is a failed check."""
    try:
        found = read()
    except (ValueError, OSError) as error:
        check(False, what, error)
        return
    if found == content:
        check(True, what)
        return
    length = min(len(found), len(content))
    at = next((at for at in range(length) if found[at] != content[at]), length)
    check(False, what, f"{len(found)} bytes instead of {len(content)}; they differ from byte {at} on")
