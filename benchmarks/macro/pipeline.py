"""Runs a pipeline of programs and tells what each took: wall and processor time, memory, bytes written to the disk.

Knows processes, and nothing of what they do. Needs Linux: `/proc`, and block counts in what wait4(2) tells.
"""

import os
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

# getrusage(2) counts blocks of that size, whatever the file system's are.
BLOCK_BYTES = 512
LOOK_EVERY_SECONDS = 0.02
# A hang is a failure, not a wait for ever.
ENDS_WITHIN_SECONDS = 900
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass
class Took:
    """What one program took."""

    name: str
    status: int = 0
    cpu_seconds: float = 0.0
    memory_bytes: int = 0
    written_bytes: int = 0


@dataclass
class Run:
    """What a pipeline took."""

    seconds: float
    programs: list[Took] = field(default_factory=list)
    out: bytes = b""
    errors: str = ""

    def total(self, what: str, without: tuple[str, ...] = ("cat",)) -> float:
        """The sum over the programs: what only feeds the pipeline isn't counted."""
        return sum(getattr(took, what) for took in self.programs if took.name not in without)


def run(commands: list[list[str]], source: Path | None, env: dict[str, str], last_status: int = 0) -> Run:
    """Runs `commands` one into the next, the first one's input being `source`; all must end with 0, the last with
    `last_status`."""
    running, feed = [], open(source or os.devnull, "rb")
    read_errors, write_errors = os.pipe()
    begun = time.monotonic()
    try:
        for command in commands:
            process = subprocess.Popen(
                # Whatever becomes of this script, nothing stays behind.
                ["setpriv", "--pdeathsig", "KILL", *command],
                stdin=feed, stdout=subprocess.PIPE, stderr=write_errors, env=env,
            )  # fmt: skip
            feed.close()
            feed = process.stdout
            running.append((command, process))
        os.close(write_errors)
        result = gather(running, read_errors, begun)
        bad = [took for took in result.programs[:-1] if took.status != 0]
        bad += [took for took in result.programs[-1:] if took.status != last_status]
        if bad:
            raise RuntimeError(f"{bad[0].name} ended with {bad[0].status}: {result.errors[-2000:]}")
        return result
    finally:
        feed.close()
        for _, process in running:
            if process.returncode is None:
                process.kill()
                process.wait()
        os.close(read_errors)


def gather(running: list, read_errors: int, begun: float) -> Run:
    result = Run(0.0)
    peaks: dict[int, int] = {}
    ended = threading.Event()
    looking = threading.Thread(target=look, args=([process.pid for _, process in running], peaks, ended))
    looking.start()
    errors: list[bytes] = []
    listening = threading.Thread(target=drain, args=(read_errors, errors))
    listening.start()
    killer = threading.Timer(ENDS_WITHIN_SECONDS, lambda: [process.kill() for _, process in running])
    killer.start()
    try:
        result.out = running[-1][1].stdout.read()
        for command, process in running:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            took = Took(Path(command[0]).name, process.returncode, usage.ru_utime + usage.ru_stime)
            took.written_bytes = usage.ru_oublock * BLOCK_BYTES
            took.memory_bytes = peaks.get(process.pid, 0)
            result.programs.append(took)
        result.seconds = time.monotonic() - begun
    finally:
        killer.cancel()
        ended.set()
        looking.join()
        listening.join()
    result.errors = b"".join(errors).decode(errors="replace")
    return result


def drain(source: int, into: list[bytes]) -> None:
    """So that nobody has to wait who says much."""
    while piece := os.read(source, 1 << 16):
        into.append(piece)


def look(pids: list[int], peaks: dict[int, int], ended: threading.Event) -> None:
    """Looks at the most memory each process ever had: wait4 would count what its parent had before it."""
    while not ended.wait(LOOK_EVERY_SECONDS):
        for pid in pids:
            peaks[pid] = max(peaks.get(pid, 0), peak_memory_bytes(pid))


def peak_memory_bytes(pid: int) -> int:
    """0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:")), 0)


def cpu_seconds(pid: int) -> float:
    """Processor time of a running process, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def written_bytes(pid: int) -> int:
    """What a running process caused to be written to the disk."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes:"))


def child_that_runs(name: str) -> int:
    """The process that runs a program of this name, among those that this one started."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and Path(os.readlink(process / "exe")).name.startswith(name):
                return int(process.name)
        except OSError:
            continue
    raise RuntimeError(f"no {name} runs")
