"""Every secret that was used, and everything that was said and written meanwhile, searched for them.

Knows the program as the other suites do, and nothing of stores.
"""

import base64
import subprocess
from pathlib import Path
from urllib.parse import quote

from checks import check, note
from program import Program, Writer

# A secret this short would be found by chance.
SECRET_BYTES_MIN = 8


class Watch:
    """What is secret, and what was heard."""

    def __init__(self) -> None:
        self.secrets: dict[str, bytes] = {}
        self._said: list[tuple[str, bytes]] = []
        self._writers: list[tuple[str, Writer]] = []

    def secret(self, name: str, value: str | bytes) -> None:
        """A secret, as it is; how else it may be written is searched for, too."""
        content = value.encode() if isinstance(value, str) else value
        if len(content) < SECRET_BYTES_MIN:
            raise ValueError(f"{name} is too short to be searched for")
        self.secrets[name] = content
        self.secrets[f"{name}, in base64"] = base64.b64encode(content).rstrip(b"=")
        self.secrets[f"{name}, in hex"] = content.hex().encode()
        self.secrets[f"{name}, in a URL"] = quote(content, safe="").encode()

    def heard(self, what: str, said: str | bytes | None) -> None:
        """Something that was said."""
        self._said.append((what, said.encode() if isinstance(said, str) else said or b""))

    def program(self, path: Path, environment: dict[str, str]) -> "Heard":
        """The program, listened to."""
        return Heard(self, path, environment)

    def check(self, directory: Path, what: str) -> None:
        """Nothing that was said, and no file below the directory, holds a secret."""
        said = [*self._said, *((command, writer.stderr.encode()) for command, writer in self._writers)]
        for path in sorted(directory.rglob("*")):
            if path.is_file():
                said.append((str(path), path.read_bytes()))
        found = [
            f"{name} in {where}"
            for where, content in said
            for name, secret in self.secrets.items()
            if secret in content
        ]
        note(f"{what}: {sum(len(content) for _, content in said):,} bytes in {len(said)} places are searched")
        check(len(said) > 0 and not found, f"{what}: none of {len(self.secrets)} forms of secrets is found", found[:5])


class Heard(Program):
    """The program; all that it says is kept."""

    def __init__(self, watch: Watch, path: Path, environment: dict[str, str]):
        super().__init__(path, environment)
        self._watch = watch

    def run(self, *arguments: object, **options) -> subprocess.CompletedProcess:
        done = super().run(*arguments, **options)
        self._watch.heard(f"standard error of {arguments[:1]}", done.stderr)
        self._watch.heard(f"standard output of {arguments[:1]}", done.stdout)
        return done

    def start_write(self, *arguments: object) -> Writer:
        writer = super().start_write(*arguments)
        self._watch._writers.append(("standard error of write", writer))
        return writer
