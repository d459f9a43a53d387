"""OpenStack Swift behind its S3 dialect (s3api) on loopback: one replica, one disk that is a directory, tempauth.

Knows Debian's packages and Swift's configuration, and nothing of the program under test. It refuses create-only PutObject
with 501, which is why it is here.
"""

import getpass
import os
import shutil
import signal
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from checks import wait_until
from store import REGION, free_ports

KEYS = ("test:tester", "testing-swift-secret")
PACKAGES = ("swift-proxy", "swift-account", "swift-container", "swift-object", "memcached")
SERVERS = ("account", "container", "object")
STARTS_WITHIN_SECONDS = 60
ENDS_WITHIN_SECONDS = 10

SERVER = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {directory}
devices = {directory}/devices
mount_check = false
disable_fallocate = true
fallocate_reserve = 0
log_name = {name}
log_address = {directory}/no-syslog
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
"""

PROXY = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {directory}
log_name = proxy
log_address = {directory}/no-syslog
[pipeline:main]
pipeline = catch_errors gatekeeper cache listing_formats bulk s3api tempauth slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = {secret} .admin
[filter:s3api]
use = egg:swift#s3api
location = {region}
s3_acl = false
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{memcache}
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
"""


class Unavailable(Exception):
    """What is missing on this machine to have it."""


def install() -> None:
    """Installs what is missing of it; `Unavailable` where that can't be done."""
    if not shutil.which("swift-proxy-server") or not shutil.which("memcached"):
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            raise Unavailable(f"Debian's packages {' '.join(PACKAGES)} are missing, and can be installed by root only")
        command = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *PACKAGES]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        settings = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-q"], check=False, **quiet)
        # Its own services stay away, where the machine starts any: each server here is started by hand.
        done = subprocess.run(command, check=False, env={**settings, "RUNLEVEL": "1"}, **quiet)
        if done.returncode != 0:
            raise Unavailable(f"apt-get install {' '.join(PACKAGES)}: {done.stderr.strip()[-300:]}")
    # Only there does it look for what its rings are mixed with; nothing in it is secret here.
    if not Path("/etc/swift/swift.conf").is_file():
        raise Unavailable("there is no /etc/swift/swift.conf")


class Swift:
    """A cluster of one, and its data."""

    def __init__(self, directory: Path, bucket: str = "journal"):
        self.directory, self.bucket = directory, bucket
        self.ports: dict[str, int] = {}
        self._children: list[subprocess.Popen] = []

    def __enter__(self) -> "Swift":
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        for child in self._children:
            # Its own group: the servers may have workers.
            for number in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(child.pid, number)
                    child.wait(ENDS_WITHIN_SECONDS)
                    break
                except ProcessLookupError:
                    break
                except subprocess.TimeoutExpired:
                    continue
        self._children.clear()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports['proxy']}"

    def environment(self) -> dict[str, str]:
        """What the program needs to reach it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": KEYS[0],
            "AWS_SECRET_ACCESS_KEY": KEYS[1],
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "S3_JOURNAL_PATH_STYLE": "true",
        }

    def client(self):
        """boto3's client, with what Swift takes: checksums only where they are demanded."""
        config = Config(
            s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=60,
            request_checksum_calculation="when_required", response_checksum_validation="when_required",
        )  # fmt: skip
        return boto3.client(
            "s3", endpoint_url=self.endpoint, region_name=REGION, aws_access_key_id=KEYS[0],
            aws_secret_access_key=KEYS[1], config=config,
        )  # fmt: skip

    def start(self) -> None:
        """Starts it on an empty disk; returns when the bucket is made."""
        check_attributes(self.directory)
        self.ports = free_ports((*SERVERS, "proxy", "memcache"))
        (self.directory / "devices" / "disk").mkdir(parents=True)
        fields = {"directory": self.directory, "user": getpass.getuser(), "region": REGION, "secret": KEYS[1]}
        with ThreadPoolExecutor(len(SERVERS)) as threads:
            list(threads.map(self._build_ring, SERVERS))
        for name in SERVERS:
            configuration = SERVER.format(name=name, port=self.ports[name], **fields)
            (self.directory / f"{name}.conf").write_text(configuration)
        configuration = PROXY.format(port=self.ports["proxy"], memcache=self.ports["memcache"], **fields)
        (self.directory / "proxy.conf").write_text(configuration)
        self._spawn("memcached", "-l", "127.0.0.1", "-p", self.ports["memcache"], "-u", getpass.getuser())
        for name in (*SERVERS, "proxy"):
            self._spawn(f"swift-{name}-server", self.directory / f"{name}.conf")
        wait_until(self._answers, STARTS_WITHIN_SECONDS, f"Swift answers; its log: {self._end_of_log()}", 0.1)

    def _build_ring(self, name: str) -> None:
        device = f"r1z1-127.0.0.1:{self.ports[name]}/disk"
        for command in (("create", "4", "1", "1"), ("add", device, "1"), ("rebalance",)):
            # A single replica is balanced with a warning, by status 1.
            ring = self.directory / f"{name}.builder"
            subprocess.run(["swift-ring-builder", ring, *command], check=False, stdout=subprocess.DEVNULL)

    def _spawn(self, *command: object) -> None:
        with open(self.directory / "log", "ab") as log:
            self._children.append(
                subprocess.Popen(
                    ["setpriv", "--pdeathsig", "KILL", *map(str, command)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )  # fmt: skip
            )

    def _answers(self) -> bool:
        if any(child.poll() is not None for child in self._children):
            raise RuntimeError(f"a server of Swift ended: {self._end_of_log()}")
        try:
            self.client().create_bucket(Bucket=self.bucket)
            return True
        except (BotoCoreError, ClientError):
            return False

    def _end_of_log(self) -> str:
        try:
            return "\n".join((self.directory / "log").read_text(errors="replace").splitlines()[-20:])
        except OSError:
            return ""


def check_attributes(directory: Path) -> None:
    """Swift keeps what it knows of an object in extended attributes of its file."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=directory) as file:
        try:
            os.setxattr(file.name, "user.swift", b"probe")
        except OSError as error:
            raise Unavailable(f"the file system of {directory} has no extended attributes: {error}") from error
