"""The program under test: built, run, started, watched, killed.

Knows the program's command line; nothing of buckets and suites.
"""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterable
from pathlib import Path

import environment
from checks import check, wait_until

# No run of the suites' sizes takes that long, even on a busy machine; a hang is a failure, not a wait for ever.
ENDS_WITHIN_SECONDS = 300
# A sync that takes a second is told, once a minute. It says how this machine's disk does, and nothing of the program.
SLOW_DISK = " WARN the disk is slow to sync: check its health and load "


def build() -> Path:
    """The program to test: what S3_JOURNAL_PROGRAM names, or a release build of this repository's."""
    named = os.environ.get("S3_JOURNAL_PROGRAM")
    if named:
        return Path(named).resolve()
    subprocess.run(
        ["cargo", "build", "--quiet", "--release", "--locked", "-p", "s3-journal-cli"], cwd=environment.ROOT, check=True
    )
    return environment.TARGET / "release" / "s3-journal"


def lines_said(stderr: str) -> list[str]:
    """The lines that it said, without those that a slow disk explains."""
    return [line for line in stderr.splitlines() if SLOW_DISK not in line]


def ended_well(done: subprocess.CompletedProcess, what: str) -> bool:
    """A check of the exit status, with what was said where it isn't 0."""
    return check(done.returncode == 0, what, f"{done.returncode}: {done.stderr[-400:]}")


class Program:
    """The program with the environment that leads it to one server."""

    def __init__(self, path: Path, server_environment: dict[str, str]):
        self.path = path
        # What the machine's user has set for AWS or the program itself must not decide a test.
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "S3_JOURNAL_", "RUST_", "XDG_", "HTTP", "http", "NO_PROXY", "no_proxy"))
        }
        self.environment = {**inherited, **server_environment}

    def run(
        self,
        *arguments: object,
        stdin: bytes | Path = b"",
        out: Path | None = None,
        seconds: float = ENDS_WITHIN_SECONDS,
    ) -> subprocess.CompletedProcess:
        """Runs it to its end; standard output goes to the file `out` or is kept, standard error is kept as text."""
        feed = open(stdin, "rb") if isinstance(stdin, Path) else None
        drain = open(out, "wb") if out is not None else None
        try:
            done = subprocess.run(
                self.command(arguments), env=self.environment, timeout=seconds,
                stdout=drain or subprocess.PIPE, stderr=subprocess.PIPE,
                **({"stdin": feed} if feed else {"input": stdin}),
            )  # fmt: skip
        finally:
            for file in (feed, drain):
                if file is not None:
                    file.close()
        done.stderr = done.stderr.decode(errors="replace")
        return done

    def kill_after(self, seconds: float, *arguments: object) -> None:
        """Starts it and kills it with -9 after so long, if it still runs then."""
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(self.command(arguments), env=self.environment, **quiet) as process:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()

    def status(self, directory: Path) -> dict | None:
        """What `status --json` says; None where there is no journal yet."""
        done = self.run("status", "--json", "--local-directory", directory)
        if done.returncode == 0:
            return json.loads(done.stdout)
        if "holds no journal" in done.stderr or not directory.exists():
            return None
        raise RuntimeError(f"status ended with {done.returncode}: {done.stderr}")

    def start_write(self, *arguments: object) -> "Writer":
        """Starts `write --receipts` with a pipe as its standard input."""
        return Writer(self.command(("write", "--receipts", *arguments)), self.environment)

    def command(self, arguments: Iterable[object]) -> list[str]:
        """The whole command line. The program dies with the suite, however the suite ends."""
        return ["setpriv", "--pdeathsig", "KILL", str(self.path), *map(str, arguments)]


class Writer:
    """A running `write`: what it was told durable and uploaded, its memory, its end."""

    def __init__(self, command: list[str], env: dict[str, str]):
        self.durable = 0
        self.uploaded = 0
        # Any receipt has come: the journal is open.
        self.told = False
        self.stderr = ""
        self.fed = 0
        self._process = subprocess.Popen(
            command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._threads = [self._thread(self._read_receipts), self._thread(self._read_stderr)]
        self._feeder: threading.Thread | None = None

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_) -> None:
        self.kill()

    def feed(self, chunks: Iterable[bytes], close: bool) -> None:
        """Writes to its standard input, beside everything else; then closes it or holds it open."""

        def write() -> None:
            try:
                for chunk in chunks:
                    self._process.stdin.write(chunk)
                    self.fed += len(chunk)
                self._process.stdin.flush()
                if close:
                    self._process.stdin.close()
            except (BrokenPipeError, ValueError):
                # It was killed.
                pass

        self.wait_fed()
        self._feeder = self._thread(write)

    def wait_fed(self) -> None:
        """Waits until everything given to it has been read by it."""
        if self._feeder is not None:
            self._feeder.join(ENDS_WITHIN_SECONDS)
            if self._feeder.is_alive():
                raise TimeoutError("the program doesn't read its input")

    def close_input(self) -> None:
        """The end of its input."""
        self.wait_fed()
        self._process.stdin.close()

    def wait_for(self, holds, what: str, seconds: float = ENDS_WITHIN_SECONDS) -> bool:
        """Waits for a condition; `False` if the program ended before it held."""

        held = False

        def look() -> bool:
            nonlocal held
            # Asked in this order: what it did before it ended counts.
            ended = not self.is_running()
            held = bool(holds())
            return held or ended

        try:
            wait_until(look, seconds, what, 0.005)
        except TimeoutError as error:
            told = f"{self.fed} bytes fed, {self.durable} lines durable, {self.uploaded} uploaded"
            raise TimeoutError(f"{error}; {told}; it said: {self.stderr}") from None
        return held

    def is_running(self) -> bool:
        return self._process.poll() is None

    def ends_within(self, seconds: float) -> bool:
        """Lets it run for so long; whether it has ended by then."""
        try:
            self._process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            return False

    def peak_bytes(self) -> int:
        """The most memory it has had resident."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise ProcessLookupError("the program has ended")

    def signal(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        self._process.send_signal(number)

    @property
    def pid(self) -> int:
        """Its number: `setpriv` becomes the program."""
        return self._process.pid

    def kill(self) -> None:
        """kill -9; afterwards every receipt that it wrote has been read."""
        if self.is_running():
            self._process.send_signal(signal.SIGKILL)
        self._finish()

    def wait(self) -> int:
        """Its exit status."""
        status = self._process.wait(ENDS_WITHIN_SECONDS)
        self._finish()
        return status

    def _finish(self) -> None:
        self._process.wait(ENDS_WITHIN_SECONDS)
        for thread in self._threads:
            thread.join(ENDS_WITHIN_SECONDS)
        if self._feeder is not None:
            self._feeder.join(ENDS_WITHIN_SECONDS)
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass
        self._process.stdout.close()
        self._process.stderr.close()

    def _read_receipts(self) -> None:
        for line in self._process.stdout:
            # A kill may cut the last line; what it would have told was not told.
            if line.endswith(b"\n"):
                counts = json.loads(line)
                self.durable, self.uploaded = counts["durable"], counts["uploaded"]
                self.told = True

    def _read_stderr(self) -> None:
        for line in self._process.stderr:
            self.stderr += line.decode(errors="replace")

    @staticmethod
    def _thread(body) -> threading.Thread:
        thread = threading.Thread(target=body, daemon=True)
        thread.start()
        return thread
