"""Garage, the distributed store: built once from its sources, its nodes started, killed, started again on their data.

Knows the server's command line and configuration; nothing of the program under test, and of hosts only that a command
can be run on one.
"""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import boto3
from botocore.config import Config

import environment
from checks import note, wait_until
from packages import Unavailable, need
from store import REGION

VERSION = "2.5.0"
HOME = environment.HOME / f"garage-{VERSION}"
# Optimised a little: its tests aren't ours, and the build is what takes the time.
BUILD = {
    "CARGO_INCREMENTAL": "0",
    "CARGO_PROFILE_RELEASE_LTO": "off",
    "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
    "CARGO_PROFILE_RELEASE_OPT_LEVEL": "1",
    "CARGO_PROFILE_RELEASE_DEBUG": "false",
}
BUILT_WITHIN_SECONDS = 3_000
STARTS_WITHIN_SECONDS = 60
# How long a node waits for another. Garage's own time is 5 minutes: a read from a node that fell silent hangs so long.
RPC_TIMEOUT_MILLISECONDS = 2_000
# Fixed form, free content: it guards nothing but throw-away servers.
ACCESS_KEY = "GK" + "0123456789abcdef01234567"


def program() -> Path:
    """The server: what S3_JOURNAL_GARAGE names, or the one built here, now if need be. Raises `Unavailable`."""
    named = os.environ.get("S3_JOURNAL_GARAGE")
    if named:
        return Path(named).resolve()
    built = HOME / "bin" / "garage"
    HOME.mkdir(parents=True, exist_ok=True)
    with open(HOME / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.is_file():
            need("cmake", "make", "pkg-config", "protoc")
            started = time.monotonic()
            install = ["cargo", "install", "garage", "--version", VERSION, "--locked", "--quiet", "--root", str(HOME)]
            features = ["--no-default-features", "--features", "bundled-libs,sqlite"]
            build = {**os.environ, **BUILD, "CARGO_TARGET_DIR": str(HOME / "build")}
            try:
                done = subprocess.run(
                    [*install, *features], env=build, capture_output=True, text=True, check=False,
                    timeout=BUILT_WITHIN_SECONDS,
                )  # fmt: skip
            except (OSError, subprocess.TimeoutExpired) as error:
                raise Unavailable(f"Garage {VERSION} can't be built here: {error}") from None
            finally:
                shutil.rmtree(HOME / "build", ignore_errors=True)
            if done.returncode != 0:
                raise Unavailable(f"Garage {VERSION} can't be built here: {done.stderr[-500:]}")
            note(f"Garage {VERSION} was built in {time.monotonic() - started:.0f} s")
    return built


class Node:
    """One node and its data."""

    def __init__(
        self, binary: Path, directory: Path, address: str, command: Callable[..., list[str]], ports: list[int]
    ):
        self.binary, self.directory, self.address = binary, directory, address
        self._command = command
        self.rpc_port, self.s3_port, self.admin_port = ports
        self._child: subprocess.Popen | None = None

    @property
    def endpoint(self) -> str:
        return f"http://{self.address}:{self.s3_port}"

    @property
    def configuration(self) -> Path:
        return self.directory / "garage.toml"

    def write_configuration(self, secret: str, copies: int, peers: list[str]) -> None:
        """What it must know before it is started first. Peers that stand here are looked for at each start."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.configuration.write_text(f"""
metadata_dir = "{self.directory}/meta"
data_dir = "{self.directory}/data"
db_engine = "sqlite"
replication_factor = {copies}
rpc_bind_addr = "{self.address}:{self.rpc_port}"
rpc_public_addr = "{self.address}:{self.rpc_port}"
rpc_secret = "{secret}"
rpc_timeout_msec = {RPC_TIMEOUT_MILLISECONDS}
bootstrap_peers = {json.dumps(peers)}
compression_level = "none"
[s3_api]
s3_region = "{REGION}"
api_bind_addr = "{self.address}:{self.s3_port}"
[admin]
api_bind_addr = "{self.address}:{self.admin_port}"
""")

    def start(self) -> None:
        """Starts it; it dies with this process."""
        command = ["setpriv", "--pdeathsig", "KILL", str(self.binary), "-c", str(self.configuration), "server"]
        with open(self.directory / "log", "ab") as log:
            self._child = subprocess.Popen(
                self._command(*command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory,
                env={**os.environ, "RUST_LOG": "garage=warn"},
            )  # fmt: skip
        wait_until(self._answers, STARTS_WITHIN_SECONDS, "a node of Garage answers", 0.1)

    def kill(self) -> None:
        """kill -9. Its data stays."""
        if self._child is not None:
            self._child.send_signal(signal.SIGKILL)
            self._child.wait()
            self._child = None

    def ask(self, *arguments: object) -> str:
        """What Garage's own command says, asked of this node."""
        command = [str(self.binary), "-c", str(self.configuration), *map(str, arguments)]
        done = subprocess.run(self._command(*command), capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"garage {' '.join(map(str, arguments))} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def _answers(self) -> bool:
        if self._child is None or self._child.poll() is not None:
            log = (self.directory / "log").read_text(errors="replace")
            raise RuntimeError(f"a node of Garage ended: {log[-1000:]}")
        with contextlib.suppress(RuntimeError, subprocess.TimeoutExpired):
            self.ask("status")
            return True
        return False


class Cluster:
    """Nodes that hold each object `copies` times, with one bucket and one key."""

    def __init__(self, nodes: list[Node], copies: int, bucket: str = "journal"):
        self.nodes, self.copies, self.bucket = nodes, copies, bucket
        self._secret = secrets.token_hex(32)

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_) -> None:
        for node in self.nodes:
            node.kill()

    def start(self) -> None:
        """Starts all nodes, makes them one cluster, and makes key and bucket."""
        rpc_secret = secrets.token_hex(32)
        for node in self.nodes:
            node.write_configuration(rpc_secret, self.copies, [])
            node.start()
        first, ids = self.nodes[0], [node.ask("node", "id", "-q").strip() for node in self.nodes]
        for node in self.nodes:
            # For later starts: what a node noted of its peers by itself may be too old.
            node.write_configuration(rpc_secret, self.copies, ids)
        for other in ids[1:]:
            first.ask("node", "connect", other)
        for number, each in enumerate(ids):
            # Each in a zone of its own, so that each has a copy.
            first.ask("layout", "assign", "-z", f"zone{number}", "-c", "1G", each.partition("@")[0])
        first.ask("layout", "apply", "--version", 1)
        first.ask("key", "import", "--yes", "-n", "suites", ACCESS_KEY, self._secret)
        first.ask("bucket", "create", self.bucket)
        first.ask("bucket", "allow", "--read", "--write", "--owner", self.bucket, "--key", ACCESS_KEY)
        # The layout takes a moment to be everybody's.
        for node in self.nodes:
            wait_until(lambda node=node: self._takes(node), STARTS_WITHIN_SECONDS, "the cluster takes objects", 0.2)

    def client(self, node: Node | None = None):
        """boto3's client of one of the nodes."""
        config = Config(
            s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 5}
        )
        return boto3.client(
            "s3", endpoint_url=(node or self.nodes[0]).endpoint, region_name=REGION, aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=self._secret, config=config,
        )  # fmt: skip

    def environment(self, node: Node) -> dict[str, str]:
        """What the program needs to reach one of the nodes."""
        return {
            "AWS_ENDPOINT_URL": node.endpoint,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": self._secret,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "S3_JOURNAL_PATH_STYLE": "true",
        }

    def _takes(self, node: Node) -> bool:
        client = self.client(node)
        try:
            # Not where the journals write: everything there is theirs.
            client.put_object(Bucket=self.bucket, Key="probe/object", Body=b"taken")
            return client.get_object(Bucket=self.bucket, Key="probe/object")["Body"].read() == b"taken"
        except client.exceptions.ClientError:
            return False
