"""What isn't a rate: requests per GB, memory with a backlog and the store down, an idle journal.

Knows the program's command line.
"""

import os
import socket
import subprocess
import time
from pathlib import Path

import pipeline
from proxy import Proxy

IDLE_SECONDS = 20


def requests(contender, place, env: dict[str, str], port: int) -> tuple[dict[str, int], int]:
    """Carries the file through a proxy that counts; gives the counts by operation, and the file's size."""
    with Proxy(port, 0) as proxy:
        contender.run(place, {**env, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{listening(proxy)}"})
        return dict(proxy.requests), place.source.stat().st_size


def listening(proxy: Proxy) -> int:
    return int(proxy.endpoint.rpartition(":")[2])


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def backlog(place, env: dict[str, str]) -> dict[str, float]:
    """Feeds the whole file while the store can't be reached; then opens again what waits, still without the store."""
    down = {**env, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{closed_port()}"}
    queue = str(place.directory / "queue")
    write = [str(place.programs / "s3-journal"), "write", "--to", place.url, "--local-directory", queue]
    write += ["--close-timeout", "100ms"]
    first = attempt([["cat"], write], place.source, down)
    again = attempt([write], None, down)
    return {
        "filled_seconds": first.seconds,
        "memory_filling_bytes": first.programs[-1].memory_bytes,
        "memory_opened_bytes": again.programs[-1].memory_bytes,
        "opened_and_closed_seconds": again.seconds,
        "bytes": place.source.stat().st_size,
        "written_bytes": first.programs[-1].written_bytes,
        "disk_bytes": sum(path.stat().st_blocks * 512 for path in Path(queue).iterdir()),
    }


# EX_TEMPFAIL: the time for closing has passed, and something waits.
WAITS = 75


def attempt(commands: list[list[str]], source: Path | None, env: dict[str, str]) -> pipeline.Run:
    """A run that must end with something waiting."""
    return pipeline.run(commands, source, env, last_status=WAITS)


def idle(place, env: dict[str, str], port: int) -> dict[str, float]:
    """What an open journal does that has nothing to do."""
    queue = str(place.directory / "queue")
    write = [str(place.programs / "s3-journal"), "write", "--receipts", "--to", place.url, "--local-directory", queue]
    with Proxy(port, 0) as proxy:
        through = {**env, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{listening(proxy)}"}
        command = ["setpriv", "--pdeathsig", "KILL", *write, "--max-object-age", "500ms"]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=through
        )
        try:
            process.stdin.write(b"".join(b"entry %d\n" % number for number in range(1000)))
            process.stdin.flush()
            for line in process.stdout:
                if b'"uploaded":1000' in line:
                    break
            # What follows an upload: its acknowledgement, slabs that go, the next one that is made ready.
            time.sleep(5)
            before = (sum(proxy.requests.values()), pipeline.cpu_seconds(process.pid), pipeline.written_bytes(process.pid))
            switches = context_switches(process.pid)
            time.sleep(IDLE_SECONDS)
            after = (sum(proxy.requests.values()), pipeline.cpu_seconds(process.pid), pipeline.written_bytes(process.pid))
            result = dict(zip(("requests", "cpu_seconds", "written_bytes"), map(lambda a, b: b - a, before, after)))
            result["wakeups"] = context_switches(process.pid) - switches
            result["seconds"] = IDLE_SECONDS
            process.stdin.close()
            process.stdout.read()
            return result
        finally:
            process.kill()
            process.wait()


def context_switches(pid: int) -> int:
    """How often its threads ran and waited again."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for line in (thread / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                total += int(line.split()[1])
    return total


def remove(directory: Path) -> None:
    """Gives the room back at once."""
    for path in sorted(directory.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else os.unlink(path)
