"""Azurite, Microsoft's emulator of Azure Blob Storage, on loopback: installed, started, killed, started again on the same data.

Knows the server and its protocol, and nothing of the program under test.
"""

import base64
import datetime
import hashlib
import hmac
import shutil
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree
from pathlib import Path

import environment
from checks import wait_until

VERSION = "3.37.0"
HOME = environment.HOME / f"azurite-{VERSION}"
PROGRAM = HOME / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
INSTALLS_WITHIN_SECONDS = 180
SAVES_WITHIN_SECONDS = 60
STARTS_WITHIN_SECONDS = 60
# Azurite's documented account and key, the same for everybody: they guard nothing but a throw-away server on loopback.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def install() -> str:
    """Installs it once; why it can't be, or nothing."""
    if PROGRAM.is_file():
        return ""
    for needed in ("node", "npm"):
        if shutil.which(needed) is None:
            return f"{needed} is missing"
    making = HOME.with_name(f"{HOME.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", making, f"azurite@{VERSION}"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=INSTALLS_WITHIN_SECONDS)
    except subprocess.CalledProcessError as error:
        return f"npm can't install it: {error.stderr.decode(errors='replace')[-300:]}"
    except subprocess.TimeoutExpired:
        return f"npm doesn't install it within {INSTALLS_WITHIN_SECONDS} s"
    making.rename(HOME)
    return ""


class Azurite:
    """A server and its data, in a directory of its own."""

    def __init__(self, directory: Path, container: str = "journal"):
        self.directory = directory
        self.container = container
        self.port = free_port()
        self._child: subprocess.Popen | None = None

    def __enter__(self) -> "Azurite":
        return self

    def __exit__(self, *_) -> None:
        self.kill()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}/{ACCOUNT}"

    def environment(self, key: str = KEY) -> dict[str, str]:
        """What the program needs to reach it."""
        return {
            "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": key,
            "S3_JOURNAL_ENDPOINT": self.endpoint,
        }

    def start(self) -> None:
        """Starts it, on the data that it had; returns when it answers."""
        (self.directory / "data").mkdir(parents=True, exist_ok=True)
        command = ["setpriv", "--pdeathsig", "KILL", "node", PROGRAM, "--blobHost", "127.0.0.1", "--blobPort", self.port]
        command += ["--location", self.directory / "data", "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
        with open(self.directory / "log", "ab") as log:
            self._child = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory
            )
        wait_until(self._answers, STARTS_WITHIN_SECONDS, "Azurite answers")

    def kill(self) -> None:
        """kill -9. Its data stays."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    def create_container(self) -> None:
        """Makes the container; returns when it would outlive a kill: what it answers, Azurite saves some seconds later."""
        self.ask("PUT", self.container, {"restype": "container"})
        saved = self.directory / "data" / "__azurite_db_blob__.json"
        name = f'"name":"{self.container}"'
        wait_until(lambda: saved.is_file() and name in saved.read_text(), SAVES_WITHIN_SECONDS, "Azurite saves the container")

    def blobs(self, prefix: str) -> list[str]:
        """The names below a prefix, in order."""
        query = {"restype": "container", "comp": "list", "prefix": prefix}
        answer, _ = self.ask("GET", self.container, query)
        return [name.text or "" for name in xml.etree.ElementTree.fromstring(answer).iter("Name")]

    def read(self, name: str) -> tuple[bytes, dict[str, str]]:
        """A blob and its metadata."""
        content, headers = self.ask("GET", f"{self.container}/{urllib.parse.quote(name)}")
        return content, {key.removeprefix("x-ms-meta-"): value for key, value in headers.items() if "x-ms-meta-" in key}

    def ask(self, method: str, path: str, query: dict[str, str] | None = None) -> tuple[bytes, dict[str, str]]:
        """A request with the account's signature
        (https://learn.microsoft.com/en-us/rest/api/storageservices/authorize-with-shared-key)."""
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
        headers = {"x-ms-date": now, "x-ms-version": "2023-11-03"}
        signed_headers = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()))
        signed_query = "".join(f"\n{name}:{value}" for name, value in sorted((query or {}).items()))
        # The twelve headers between are empty.
        text = method + "\n" * 12 + f"{signed_headers}/{ACCOUNT}/{ACCOUNT}/{path}{signed_query}"
        signature = hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()
        headers["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(signature).decode()}"
        url = f"{self.endpoint}/{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        request = urllib.request.Request(url, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read(), {name.lower(): value for name, value in answer.headers.items()}

    def _answers(self) -> bool:
        if self._child is not None and self._child.poll() is not None:
            raise ChildProcessError(f"Azurite ended: {(self.directory / 'log').read_text(errors='replace')[-500:]}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
