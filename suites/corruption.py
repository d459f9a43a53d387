"""Bytes of the local queue rot: what is damaged never arrives, is named by file, offset and entries, and with --quarantine all else arrives.

The slabs are read and damaged here by what docs/DESIGN.md and the comments of `frame.rs` say of them, with nothing of the program's.
"""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import text
from bucket import Bucket
from checks import check, equal, note
from program import Program, lines_said
from suite import Suite

FIRST_FRAME = 4096
BATCH = 16
LINES = 100
OBJECTS = 5
# So many batches of 100 lines each make an object.
BATCHES = 8
PER_OBJECT = LINES * BATCHES


@dataclass
class Frame:
    """A frame of a slab, by its header."""

    slab: Path
    offset: int
    kind: int
    meta_bytes: int
    payload_bytes: int

    @property
    def payload(self) -> int:
        return self.offset + 64 + self.meta_bytes


def frames(slab: Path) -> list[Frame]:
    content, offset, found = slab.read_bytes(), FIRST_FRAME, []
    number = lambda at, size: int.from_bytes(content[at : at + size], "little")
    while offset + 64 <= len(content) and number(offset, 8):
        frame = Frame(slab, offset, number(offset + 8, 2), number(offset + 12, 4), number(offset + 16, 4))
        found.append(frame)
        offset += -(-(64 + frame.meta_bytes + frame.payload_bytes) // 8) * 8
    return found


def flip(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 0x10
    path.write_bytes(content)


def run(suite: Suite) -> None:
    suite.server.choose_ports()
    written = suite.directory / "written"
    write_with_the_store_down(suite, written)
    suite.server.start()
    refused_without(suite, written)
    for compressor in ("none", "zstd"):
        if compressor != "none":
            suite.server.kill()
            written = suite.directory / f"written-{compressor}"
            write_with_the_store_down(suite, written, compressor)
            suite.server.start()
        for place in ("payload", "header", "meta", "zeros"):
            in_the_middle(suite, written, compressor, place)
    written = suite.directory / "written"
    first_batch(suite, written)
    slab_gone(suite, written)
    slab_header(suite, written)
    with_a_torn_tail(suite, written)


def write_with_the_store_down(suite: Suite, queue: Path, compressor: str = "none") -> None:
    """Objects that wait, one run each and so each in a slab of its own."""
    for number in range(OBJECTS):
        lines = b"".join(text.blocks(number * PER_OBJECT, (number + 1) * PER_OBJECT))
        done = suite.program().run(
            "write", "--to", f"s3://{suite.server.bucket}/corruption", "--local-directory", queue, "--id", "rotten",
            "--compressor", compressor, "--max-batch-size", LINES, "--max-batch-latency", "none",
            "--close-timeout", "1ms", stdin=lines,
        )  # fmt: skip
        equal(done.returncode, 75, f"run {number} of {compressor} leaves everything in the queue")
    status = suite.program().status(queue)
    equal(status["pending_entries"], OBJECTS * PER_OBJECT, "all lines wait")
    equal(status["damage"], [], "nothing is damaged yet")


class Case:
    """A copy of the queue that is damaged and drained."""

    def __init__(self, suite: Suite, written: Path, name: str):
        self.suite, self.name, self.program = suite, name, suite.program()
        self.queue = suite.directory / f"queue-{name}"
        shutil.copytree(written, self.queue)
        self.empty()

    def empty(self) -> None:
        """The bucket's prefix is where the queue belongs to: each case begins with nothing in it."""
        self.bucket = self.suite.bucket("corruption")
        for stored in self.bucket.objects():
            self.bucket.client.delete_object(Bucket=self.bucket.name, Key=stored.key)

    def slab(self, number: int) -> Path:
        return self.queue / f"{number:016d}.slab"

    def batch(self, slab: int, number: int) -> Frame:
        return [frame for frame in frames(self.slab(slab)) if frame.kind == BATCH][number]

    def write(self, *options: object, stdin: bytes = b""):
        to = ("--to", self.bucket.url, "--local-directory", self.queue, "--id", "rotten")
        return self.program.run("write", *to, *options, stdin=stdin)

    def quarantine(self, first: int, end: int) -> dict:
        """Drains it; everything arrives but those lines. What status says then."""
        done = self.write("--quarantine")
        equal(done.returncode, 65, f"{self.name}: write --quarantine ends with 65")
        check("left out" in done.stderr, f"{self.name}: it says what is left out", done.stderr)
        cat = self.program.run("cat", "--go-on", "--to", self.bucket.url)
        lines = b"".join(text.blocks(0, first)) + b"".join(text.blocks(end, OBJECTS * PER_OBJECT))
        check(cat.stdout == lines, f"{self.name}: all lines but {first} to {end - 1} arrive, once, in order")
        status = self.program.status(self.queue)
        told = [(gap["first"], gap["next"]) for gap in status["left_out"]]
        equal(told, [(first, end)], f"{self.name}: status tells what is left out")
        equal((status["pending_entries"], status["left_out_entries"]), (0, end - first), f"{self.name}: nothing waits")
        again = self.write("--quarantine", stdin=b"one more\n")
        equal((again.returncode, lines_said(again.stderr)), (0, []), f"{self.name}: run again it goes on")
        equal(self.bucket.objects()[-1].first, OBJECTS * PER_OBJECT, f"{self.name}: with the next line's number")
        # The gap shows in what the next object says.
        verified = self.program.run("verify", "--deep", "--json", "--to", self.bucket.url)
        equal(verified.returncode, 65, f"{self.name}: verify finds the gap")
        told = [finding["sequences"] for finding in json.loads(verified.stdout)["findings"]]
        equal(told, [{"from": first, "to": end}], f"{self.name}: verify names it, and nothing else")
        return status


def refused_without(suite: Suite, written: Path) -> None:
    case = Case(suite, written, "without")
    frame = case.batch(2, 3)
    flip(frame.slab, frame.payload + 5)
    done = case.write()
    equal(done.returncode, 65, "without --quarantine write ends with 65")
    first = PER_OBJECT + 3 * LINES
    wanted = (frame.slab.name, f"offset {frame.offset}", f"the entries {first} to {first + LINES - 1}")
    check(all(words in done.stderr for words in wanted), "it names file, offset and entries", done.stderr)
    lines = b"".join(case.bucket.read())
    check(lines == b"".join(text.blocks(0, PER_OBJECT)), "what is before the damaged object arrives, and nothing after")
    check(not (case.queue / "quarantine").exists(), "nothing is kept aside")
    status = case.program.status(case.queue)
    equal(status["pending_entries"], (OBJECTS - 1) * PER_OBJECT, "the rest waits")
    case.empty()


def in_the_middle(suite: Suite, written: Path, compressor: str, place: str) -> None:
    case = Case(suite, written, f"{compressor}-{place}")
    frame = case.batch(2, 3)
    if place == "zeros":
        content = bytearray(frame.slab.read_bytes())
        content[frame.payload : frame.payload + min(512, frame.payload_bytes)] = bytes(min(512, frame.payload_bytes))
        frame.slab.write_bytes(content)
    else:
        flip(frame.slab, {"payload": frame.payload + 5, "header": frame.offset + 20, "meta": frame.offset + 70}[place])
    first, end = PER_OBJECT + 3 * LINES, 2 * PER_OBJECT
    status = case.quarantine(first, end)
    told = json.loads((case.queue / status["left_out"][0]["kept_as"]).read_text())
    damaged = [(place["first"], place["next"], place["from_bytes"]) for place in told["places"]]
    equal(damaged, [(first, first + LINES, frame.offset)], f"{case.name}: the description names the damaged lines")
    kept = sum(good["entries"] for good in told["good"])
    equal(kept, end - first - LINES, f"{case.name}: the whole batches after it are kept")
    for good in told["good"]:
        content = (case.queue / "quarantine" / good["file"]).read_bytes()[good["offset_bytes"] :][: good["len_bytes"]]
        if compressor == "none":
            lines = b"".join(text.blocks(good["first"], good["first"] + good["entries"]))
            check(content == lines, f"{case.name}: the lines from {good['first']} on are read from what is kept")
    if compressor == "none":
        entries = (case.queue / "quarantine" / told["entries"]).read_bytes()
        check(entries == b"".join(text.blocks(first + LINES, end)), f"{case.name}: and from the file of entries")


def first_batch(suite: Suite, written: Path) -> None:
    case = Case(suite, written, "first-batch")
    frame = case.batch(3, 0)
    flip(frame.slab, frame.offset + 12)
    case.quarantine(2 * PER_OBJECT, 3 * PER_OBJECT)


def slab_gone(suite: Suite, written: Path) -> None:
    case = Case(suite, written, "slab-gone")
    case.slab(3).unlink()
    status = case.program.status(case.queue)
    damage = [place["reason"] for place in status["damage"]]
    check(any("missing" in reason for reason in damage), "status shows that a slab is missing, offline", status["damage"])
    case.quarantine(2 * PER_OBJECT, 3 * PER_OBJECT)


def slab_header(suite: Suite, written: Path) -> None:
    case = Case(suite, written, "slab-header")
    for number, offset in ((2, 44), (4, 300)):
        flip(case.slab(number), offset)
    status = case.program.status(case.queue)
    equal(len(status["damage"]), 2, "status shows two damaged slab headers, offline")
    done = case.write()
    equal(done.returncode, 0, "damaged slab headers cost no line")
    told = len(re.findall("local queue is damaged", done.stderr))
    equal(told, 2, "each is told once")
    check(b"".join(case.bucket.read()) == b"".join(text.blocks(0, OBJECTS * PER_OBJECT)), "all lines arrive")
    case.empty()


def with_a_torn_tail(suite: Suite, written: Path) -> None:
    """Damage in the newest slab, below what it says was synced, and a write that was cut short at its end."""
    case = Case(suite, written, "torn")
    newest = case.slab(OBJECTS)
    frame = case.batch(OBJECTS, 2)
    flip(newest, frame.payload + 9)
    with open(newest, "ab") as growing:
        growing.write(b"half a frame" * 9)
    status = case.program.status(case.queue)
    first = (OBJECTS - 1) * PER_OBJECT + 2 * LINES
    told = [(place["first"], place["next"], place["offset_bytes"]) for place in status["damage"]]
    equal(told, [(first, first + LINES, frame.offset)], "status shows the damaged lines, offline")
    check(status["torn_bytes"] > 0, "and what is torn", status["torn_bytes"])
    case.quarantine(first, OBJECTS * PER_OBJECT)
    note(f"kept: {sorted(path.name for path in (case.queue / 'quarantine').iterdir())}")
