"""One line per check, a count at the end, and waiting for a condition instead of for a time."""

import time
from collections.abc import Callable

passed = 0
failed = 0
skipped = 0
failures: list[str] = []


def check(holds: bool, what: str, otherwise: object = "") -> bool:
    """Counts and prints a check; `otherwise` is what was found instead."""
    global passed, failed
    if holds:
        passed += 1
        print(f"ok      {what}", flush=True)
    else:
        failed += 1
        failures.append(f"FAILED  {what}" + (f": {otherwise}" if str(otherwise) else ""))
        print(failures[-1], flush=True)
    return holds


def equal(found: object, expected: object, what: str) -> bool:
    """A check of equality."""
    return check(found == expected, what, f"{abbreviated(found)} instead of {abbreviated(expected)}")


def skip(what: str, why: object) -> None:
    """What can't be tested on this machine, and what is missing; counted, so that nobody takes it for tested."""
    global skipped
    skipped += 1
    print(f"SKIPPED {what}: {why}", flush=True)


def note(text: str) -> None:
    """Something measured or drawn, for whoever reads the run."""
    print(f"        {text}", flush=True)


def closing_line() -> str:
    """The count, in the form that test harnesses know."""
    return f"{passed} passed, {failed} failed, {skipped} skipped"


def wait_until(holds: Callable[[], object], seconds: float, what: str, every: float = 0.02) -> object:
    """Looks again and again until it holds; TimeoutError when that takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        result = holds()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(every)


def abbreviated(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:200]} ... {text[-80:]} ({len(text)} characters)"
