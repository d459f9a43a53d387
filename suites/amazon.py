"""What stands in for Amazon: moto, which has S3's options of objects that other stores pass over, and STS.

It checks no signature and keeps everything in memory. Knows moto's command line, and nothing of the program under test.
"""

import os
import signal
import subprocess
from pathlib import Path

import boto3
import environment
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from checks import wait_until
from store import REGION, free_ports

KEYS = ("AKIASUITESMOTOKEY", "suites-moto-secret-key")
STARTS_WITHIN_SECONDS = 60
ENDS_WITHIN_SECONDS = 10


class Amazon:
    """A server, with one bucket in which objects can be locked."""

    def __init__(self, directory: Path, bucket: str = "journal"):
        self.directory, self.bucket = directory, bucket
        self.port = 0
        self._child: subprocess.Popen | None = None

    def __enter__(self) -> "Amazon":
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_ports(("moto",))["moto"]
        with open(self.directory / "moto.log", "ab") as log:
            self._child = subprocess.Popen(
                [
                    "setpriv", "--pdeathsig", "KILL", environment.VENV / "bin" / "python", "-m", "moto.server",
                    "-H", "127.0.0.1", "-p", str(self.port),
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                # Elsewhere than beside modules of ours that could be taken for others'.
                cwd=self.directory,
            )  # fmt: skip
        try:
            wait_until(self._answers, STARTS_WITHIN_SECONDS, "moto answers", 0.1)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        if self._child is not None and self._child.poll() is None:
            os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait(ENDS_WITHIN_SECONDS)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """What the program needs to reach it, without keys."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "S3_JOURNAL_PATH_STYLE": "true",
        }

    def client(self, service: str = "s3"):
        """boto3's client."""
        config = Config(s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=60)
        return boto3.client(
            service, endpoint_url=self.endpoint, region_name=REGION, aws_access_key_id=KEYS[0],
            aws_secret_access_key=KEYS[1], config=config,
        )  # fmt: skip

    def _answers(self) -> bool:
        if self._child is None or self._child.poll() is not None:
            raise ChildProcessError("moto ended")
        try:
            self.client().create_bucket(Bucket=self.bucket, ObjectLockEnabledForBucket=True)
            return True
        except (BotoCoreError, ClientError):
            return False
