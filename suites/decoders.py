"""Other people's decoders. Each takes an object's file and gives its bytes, and fails where the object isn't exactly
one standard stream: many readers stop silently after the first of several."""

import lzma
import shutil
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import snappy

import environment

# The programs that are needed, and the Debian packages they are in.
PACKAGES = {"gzip": "gzip", "zstd": "zstd", "lz4": "lz4", "xz": "xz-utils"}
JAVA_PROGRAM = environment.SUITES / "GunzipObjects.java"


def install_programs() -> None:
    """Installs what is missing."""
    missing = sorted({package for program, package in PACKAGES.items() if shutil.which(program) is None})
    if missing:
        subprocess.run(["apt-get", "update", "-q"], check=True, stdout=subprocess.DEVNULL)
        install = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing]
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL)


def each(decode: Callable[[Path], bytes]) -> Callable[[list[Path]], bytes]:
    """A decoder of one file, for a row of them."""
    return lambda paths: b"".join(map(decode, paths))


def output_of(*command: object) -> bytes:
    done = subprocess.run(list(map(str, command)), capture_output=True, check=False)
    if done.returncode != 0:
        raise ValueError(f"{command[0]} ended with {done.returncode}: {done.stderr.decode(errors='replace')[:500]}")
    return done.stdout


def as_it_is(path: Path) -> bytes:
    return path.read_bytes()


def gzip_program(path: Path) -> bytes:
    return output_of("gzip", "-dc", path)


def one_gzip_member(path: Path) -> bytes:
    return one_stream(zlib.decompressobj(wbits=31), path)


def gzip_of_java(paths: list[Path]) -> bytes:
    """java.util.zip.GZIPInputStream, which reads the first member only unless another follows at once."""
    return output_of("java", JAVA_PROGRAM, *paths)


def zstd_program(path: Path) -> bytes:
    frames = output_of("zstd", "--list", "-v", path).decode()
    if not any(line.split(":")[-1].strip() == "1" for line in frames.splitlines() if "Zstandard Frames" in line):
        raise ValueError(f"{path.name} isn't one frame: {frames}")
    return output_of("zstd", "-dcq", path)


def lz4_program(path: Path) -> bytes:
    """Frames are counted by hand: `lz4 --list` counts blocks without an end mark, too."""
    content = path.read_bytes()
    decoded = output_of("lz4", "-dcq", path)
    end = lz4_frame_end(content)
    if end != len(content):
        raise ValueError(f"{path.name} has {len(content) - end} bytes after its first frame")
    return decoded


def lz4_frame_end(content: bytes) -> int:
    """Where the first frame ends (LZ4 frame format 1.6.4)."""
    if content[:4] != bytes.fromhex("04224d18"):
        raise ValueError("no LZ4 frame")
    flags = content[4]
    # Magic, FLG, BD, content size, dictionary id, header checksum.
    at = 6 + (8 if flags & 0x08 else 0) + (4 if flags & 0x01 else 0) + 1
    while True:
        size = int.from_bytes(content[at : at + 4], "little")
        at += 4
        if size == 0:
            return at + (4 if flags & 0x04 else 0)
        at += (size & 0x7FFF_FFFF) + (4 if flags & 0x10 else 0)
        if at > len(content):
            raise ValueError("a cut LZ4 frame")


def xz_program(path: Path) -> bytes:
    totals = output_of("xz", "--robot", "--list", path).decode().splitlines()
    streams, blocks = next(line.split("\t")[1:3] for line in totals if line.startswith("file\t"))
    if (streams, blocks) != ("1", "1"):
        raise ValueError(f"{path.name} has {streams} streams and {blocks} blocks")
    return output_of("xz", "-dc", path)


def one_xz_stream(path: Path) -> bytes:
    return one_stream(lzma.LZMADecompressor(lzma.FORMAT_XZ), path)


def one_stream(decoder, path: Path) -> bytes:
    decoded = decoder.decompress(path.read_bytes())
    if not decoder.eof or decoder.unused_data:
        raise ValueError(f"{path.name}: at its end: {decoder.eof}, and {len(decoder.unused_data)} bytes after it")
    return decoded


def python_snappy(path: Path) -> bytes:
    """The chunks are walked by hand, too: the identifier stands once, at the start, and nothing is cut."""
    content, at, chunks = path.read_bytes(), 0, []
    while at < len(content):
        chunks.append(content[at])
        at += 4 + int.from_bytes(content[at + 1 : at + 4], "little")
    if at != len(content) or chunks[:1] != [0xFF] or not set(chunks[1:]) <= {0, 1}:
        raise ValueError(f"{path.name}: chunks {sorted(set(chunks))}, end at {at} of {len(content)}")
    return snappy.StreamDecompressor().decompress(content)


def decoders(compressor: str) -> dict[str, Callable[[list[Path]], bytes]]:
    """Everybody at hand who reads what a compressor writes."""
    match compressor:
        case "none":
            return {"as it is": each(as_it_is)}
        case "gzip":
            found = {"the gzip program": each(gzip_program), "Python's zlib, one member": each(one_gzip_member)}
            if shutil.which("java"):
                found["Java's GZIPInputStream"] = gzip_of_java
            return found
        case "zstd":
            return {"the zstd program, one frame": each(zstd_program)}
        case "lz4":
            return {"the lz4 program, one frame": each(lz4_program)}
        case "lzma2":
            return {
                "the xz program, one stream and block": each(xz_program),
                "Python's lzma, one stream": each(one_xz_stream),
            }
        case "snappy":
            return {"python-snappy, one stream": each(python_snappy)}
    raise ValueError(f"no decoder for {compressor}")
