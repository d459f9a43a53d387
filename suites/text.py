"""What is fed to the program: real text found on any Debian machine, text that doesn't compress, numbered lines."""

import base64
import gzip
import os
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

# Where real text is, roughly from small to large. What is missing on a machine is passed over.
PLACES = (
    "/usr/share/common-licenses", "/var/lib/dpkg/status", "/usr/share/perl", "/usr/share/doc", "/usr/share/perl5",
    "/usr/include", "/usr/lib/python3", "/usr/share",
)  # fmt: skip
# A file with longer runs isn't text of lines.
LINE_BYTES_MAX = 1 << 20


def machine(wanted_bytes: int) -> bytes:
    """At least that many bytes of real text, each file's end a line break; the same on the same machine."""
    pieces, total = [], 0
    places = [*PLACES, Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo") / "registry" / "src"]
    for path in (path for place in places for path in files(Path(place))):
        try:
            content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        except (OSError, EOFError, ValueError):
            continue
        if not content or b"\0" in content or max(map(len, content.splitlines())) > LINE_BYTES_MAX:
            continue
        pieces.append(content if content.endswith(b"\n") else content + b"\n")
        total += len(pieces[-1])
        if total >= wanted_bytes:
            return b"".join(pieces)
    if not pieces:
        raise RuntimeError("this machine has no text to test with")
    content = b"".join(pieces)
    return content * -(-wanted_bytes // len(content))


def files(place: Path) -> Iterator[Path]:
    """The regular files of a place, in a fixed order."""
    if place.is_file():
        yield place
    for directory, subdirectories, names in os.walk(place):
        subdirectories.sort()
        for name in sorted(names):
            path = Path(directory, name)
            if path.is_file() and not path.is_symlink() and path.stat().st_size < 64 << 20:
                yield path


def hard_to_compress(wanted_bytes: int, seed: int) -> bytes:
    """Lines of base64 over random bytes: a compressor saves a quarter at best."""
    raw = random.Random(seed).randbytes(wanted_bytes * 3 // 4)
    return base64.encodebytes(raw)


# Longer than gzip's window, so that lines don't compress to next to nothing.
_FILLING = base64.b64encode(random.Random(1).randbytes(300_000)).decode()


def numbered(first: int, end: int) -> bytes:
    """Lines `first` to before `end`: each tells its number and has a length and content that follow from it."""
    return "".join(
        [f"{n:012d} {_FILLING[(at := n * 7_919 % 399_000) : at + 20 + n % 157]}\n" for n in range(first, end)]
    ).encode()


# Lines in a block, which is 1.1 MB.
BLOCK = 10_000


def blocks(first: int, end: int) -> Iterator[bytes]:
    """The same, block by block."""
    for start in range(first, end, BLOCK):
        yield numbered(start, min(start + BLOCK, end))


def difference(chunks: Iterable[bytes], end: int | None = None) -> tuple[int, str]:
    """Compares bytes with the numbered lines from 0 on. How many whole lines agreed, and what is wrong, if anything:
    something else, a cut line, or not exactly `end` lines, if an end is given."""
    lines, held = 0, b""
    for chunk in chunks:
        held += chunk
        whole = held.rfind(b"\n") + 1
        if whole < BLOCK * 100 and chunk:
            continue
        count = held.count(b"\n", 0, whole)
        if held[:whole] != numbered(lines, lines + count):
            return difference_at(held[:whole], lines)
        lines, held = lines + count, held[whole:]
    whole = held.rfind(b"\n") + 1
    count = held.count(b"\n", 0, whole)
    if held[:whole] != numbered(lines, lines + count):
        return difference_at(held[:whole], lines)
    lines += count
    if held[whole:]:
        return lines, f"the last line is cut: {held[whole:][:80]!r}"
    if end is not None and lines != end:
        return lines, f"{lines} lines instead of {end}"
    return lines, ""


def difference_at(content: bytes, first: int) -> tuple[int, str]:
    """Where bytes that don't agree with the numbered lines from `first` on begin to differ."""
    for n, line in enumerate(content.splitlines(keepends=True), first):
        if line != numbered(n, n + 1):
            return n, f"where line {n} should be is {line[:80]!r}"
    raise AssertionError("the content agrees")
