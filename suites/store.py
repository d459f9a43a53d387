"""SeaweedFS as one process on loopback: started, killed, started again on the same data, removed.

Knows the server's command line, and nothing of the program under test.
"""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

import environment
from checks import wait_until

REGION = "us-east-1"
# Who may do what. Fixed words, because they guard nothing but a throw-away server on loopback.
ADMIN = ("suites-admin", "suites-admin-secret")
READER = ("suites-reader", "suites-reader-secret")
WRITER = ("suites-writer", "suites-writer-secret")

# Every port that `weed mini` opens, so that several servers fit on one machine and none is fixed.
PORT_OPTIONS = (
    "s3.port", "s3.port.grpc", "filer.port", "filer.port.grpc", "master.port", "master.port.grpc",
    "volume.port", "volume.port.grpc", "admin.port", "admin.port.grpc",
)  # fmt: skip
STARTS_WITHIN_SECONDS = 60
ENDS_WITHIN_SECONDS = 20


class SeaweedFS:
    """A server and its data, in a directory of its own."""

    def __init__(self, directory: Path, bucket: str = "journal"):
        self.directory = directory.resolve()
        self.bucket = bucket
        self.ports: dict[str, int] = {}
        self._child: subprocess.Popen | None = None
        self._read_state()

    def __enter__(self) -> "SeaweedFS":
        return self

    def __exit__(self, *_) -> None:
        self.remove()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports['s3.port']}"

    @property
    def log(self) -> Path:
        return self.directory / "log"

    def environment(self, keys: tuple[str, str] = ADMIN) -> dict[str, str]:
        """What AWS tools and the program need to reach it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": keys[0],
            "AWS_SECRET_ACCESS_KEY": keys[1],
            # Nothing of the machine's own configuration plays in, and no metadata service is asked.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "S3_JOURNAL_PATH_STYLE": "true",
        }

    def client(
        self, keys: tuple[str, str] = ADMIN, attempts: int = 3, endpoint: str | None = None, verify: str | None = None
    ):
        """boto3's client, patient enough for a busy machine; through something before the server, if that is named."""
        config = Config(
            s3={"addressing_style": "path"},
            connect_timeout=5,
            read_timeout=60,
            retries={"total_max_attempts": attempts},
        )
        return boto3.client(
            "s3", endpoint_url=endpoint or self.endpoint, region_name=REGION, aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1], config=config, verify=verify,
        )  # fmt: skip

    def choose_ports(self) -> None:
        """Settles where it will answer, before it is ever started."""
        self.ports = free_ports(PORT_OPTIONS)

    def start(self, create_bucket: bool = True, outlives: bool = False) -> None:
        """Starts it, on the data and at the address it had, if any; returns when it takes and gives back an object.

        Unless it `outlives` this process, it dies with it, however that ends.
        """
        if self.is_running():
            if self.ports:
                return
            self.kill()
        (self.directory / "data").mkdir(parents=True, exist_ok=True)
        may_move = not self.ports
        for attempt in range(3):
            if may_move:
                self.choose_ports()
            self._spawn(outlives)
            try:
                wait_until(self._answers, STARTS_WITHIN_SECONDS, "SeaweedFS answers")
                break
            except (TimeoutError, ChildProcessError) as error:
                self.kill()
                # Another process may have taken a port between the choice and the start.
                if attempt == 2 or not may_move:
                    raise RuntimeError(f"SeaweedFS doesn't start: {error}\n{self._end_of_log()}") from error
            except BaseException:
                self.kill()
                raise
        if create_bucket:
            self.create_bucket()

    def create_bucket(self, name: str | None = None) -> None:
        """Makes the bucket, if it isn't there."""
        client, name = self.client(), name or self.bucket
        if name not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
            client.create_bucket(Bucket=name)

    def is_running(self) -> bool:
        """Whether it runs, whoever started it."""
        return self._pid() is not None

    def kill(self) -> None:
        """kill -9. Its data stays."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Ends it in order. Its data stays."""
        self._end(signal.SIGTERM)

    def remove(self) -> None:
        """Ends it and removes everything it had."""
        self.kill()
        # The server puts these under a fixed name, whatever TMPDIR says, and leaves them behind.
        for port in self.ports.values():
            for left in Path("/tmp").glob(f"seaweedfs-*-grpc-{port}.sock"):
                left.unlink(missing_ok=True)
        shutil.rmtree(self.directory, ignore_errors=True)
        self.ports = {}

    def _spawn(self, outlives: bool) -> None:
        self._state_path.write_text(json.dumps({"ports": self.ports, "bucket": self.bucket}))
        users = self.directory / "users.json"
        users.write_text(json.dumps(identities(self.bucket)))
        options = {
            **self.ports, "dir": self.directory / "data", "ip": "127.0.0.1", "ip.bind": "127.0.0.1",
            "s3.config": users, "s3.autoCreateBucket": "false", "s3.port.iceberg": 0, "s3.port.lance": 0,
            "webdav": "false", "admin.ui": "false", "master.telemetry": "false", "volume.preStopSeconds": 0,
            # Each bucket takes several volumes; without a free one the answer is 500.
            "volume.max": 300, "master.volumeSizeLimitMB": 512,
            # In its working directory: the path of a socket may have 107 bytes only.
            "filer.localSocket": "filer.sock", "s3.localSocket": "s3.sock",
        }  # fmt: skip
        command = [
            str(environment.VENV / "bin" / "weed"),
            "mini",
            *(f"-{name}={value}" for name, value in options.items()),
        ]
        if not outlives:
            command = ["setpriv", "--pdeathsig", "KILL", *command]
        with open(self.log, "ab") as log:
            self._child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory, start_new_session=True,
                # A soft limit: it collects garbage earlier instead of taking 2 GiB of the machine.
                env={**os.environ, "HOME": str(self.directory), "TMPDIR": str(self.directory), "GOMEMLIMIT": "1GiB"},
            )  # fmt: skip

    def _pid(self) -> int | None:
        """Its process, known by its directory: a number in a file may long be another's."""
        if self._child is not None and self._child.poll() is not None:
            self._child = None
        for process in Path("/proc").glob("[0-9]*"):
            try:
                is_ours = os.readlink(process / "cwd") == str(self.directory)
                if is_ours and Path(os.readlink(process / "exe")).name.startswith("weed"):
                    return int(process.name)
            except OSError:
                # It has ended meanwhile, or is somebody else's.
                continue
        return None

    def _answers(self) -> bool:
        if self._child is None or self._child.poll() is not None:
            raise ChildProcessError("it ended")
        # A bucket of its own, so that the one under test holds only what the program put there.
        where = {"Bucket": "readiness", "Key": "probe"}
        try:
            client = self.client(attempts=1)
            if where["Bucket"] not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
                client.create_bucket(Bucket=where["Bucket"])
            client.put_object(**where, Body=b"ready")
            return client.get_object(**where)["Body"].read() == b"ready"
        except (BotoCoreError, ClientError):
            return False

    def _end(self, how: signal.Signals) -> None:
        for signal_number in (how, signal.SIGKILL):
            pid = self._pid()
            if pid is None:
                return
            os.kill(pid, signal_number)
            try:
                wait_until(lambda: not self.is_running(), ENDS_WITHIN_SECONDS, "SeaweedFS ends")
            except TimeoutError:
                continue

    @property
    def _state_path(self) -> Path:
        return self.directory / "server.json"

    def _read_state(self) -> None:
        try:
            state = json.loads(self._state_path.read_text())
            self.ports, self.bucket = state["ports"], state["bucket"]
        except (OSError, ValueError, KeyError):
            # It was never started, or its starter died on the way: then a new start settles all this anew.
            pass

    def _end_of_log(self) -> str:
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
        except OSError:
            return ""


def identities(bucket: str) -> dict:
    """SeaweedFS's own form of users and rights."""

    def identity(keys: tuple[str, str], *actions: str) -> dict:
        credentials = [{"accessKey": keys[0], "secretKey": keys[1]}]
        return {"name": keys[0], "credentials": credentials, "actions": list(actions)}

    return {
        "identities": [
            identity(ADMIN, "Admin", "Read", "Write", "List", "Tagging"),
            identity(READER, f"Read:{bucket}", f"List:{bucket}"),
            identity(WRITER, f"Write:{bucket}"),
        ]
    }


def free_ports(names: tuple[str, ...]) -> dict[str, int]:
    """Free ports below those that the kernel hands out: while the server is down, a client that tries to connect could
    otherwise be given the server's own port, connect to itself, and keep the server from coming back."""
    first_ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    candidates = random.sample(range(10_000, max(first_ephemeral, 11_000)), 500)
    held: list[socket.socket] = []
    try:
        for port in candidates:
            attempt = socket.socket()
            try:
                attempt.bind(("127.0.0.1", port))
                held.append(attempt)
            except OSError:
                attempt.close()
            if len(held) == len(names):
                return dict(zip(names, [bound.getsockname()[1] for bound in held], strict=True))
    finally:
        for bound in held:
            bound.close()
    raise RuntimeError("there are no free ports on loopback")
