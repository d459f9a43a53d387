"""The private virtual environment of the suites: made once under `target/suites`, then only looked at.

Knows nothing of the suites. Uses the standard library alone, because it runs before anything is installed.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

SUITES = Path(__file__).resolve().parent
ROOT = SUITES.parent
# Where cargo builds, and everything the suites install or write below it.
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").absolute()
HOME = TARGET / "suites"
VENV = HOME / "venv"
REQUIREMENTS = SUITES / "requirements.txt"


def python() -> Path:
    """The environment's interpreter; makes the environment when it is missing or was made from other requirements."""
    HOME.mkdir(parents=True, exist_ok=True)
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    stamp = VENV / "made-from"
    interpreter = VENV / "bin" / "python"
    # Two runs at once must not build it twice over each other.
    with open(HOME / "venv.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (stamp.is_file() and stamp.read_text() == wanted):
            print("installing the suites' environment", file=sys.stderr, flush=True)
            shutil.rmtree(VENV, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
            install = [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
            subprocess.run([*install, "--requirement", REQUIREMENTS], check=True)
            stamp.write_text(wanted)
    return interpreter


def enter() -> None:
    """Goes on in the environment: the calling script is started again by its interpreter unless it is already."""
    interpreter = python()
    if Path(sys.prefix).resolve() != VENV.resolve():
        os.execv(interpreter, [str(interpreter), *sys.argv])
