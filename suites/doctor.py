"""`doctor` against a real server: with all rights everything works and nothing stays, with few it says which are missing,
and without any, or without a server, that no `write` delivers."""

import json
import subprocess

from checks import check, equal, note
from program import Program
from store import ADMIN, READER, WRITER, free_ports
from suite import Suite

# What every `write` asks for.
OF_WRITING = ("reach", "credentials", "put", "create_upload", "upload_part", "abort_upload")
# What a user with SeaweedFS's right to write alone may not: look, read, list.
OF_READING = ("head", "get", "list")


def run(suite: Suite) -> None:
    suite.server.start()
    everything(suite)
    writing_alone(suite)
    reading_alone(suite)
    wrong_secret(suite)
    nobody_listens(suite)


def everything(suite: Suite) -> None:
    what, bucket, queue = "all rights", suite.bucket("all"), suite.directory / "queue"
    done, told, outcomes = examine(suite.program(), bucket.url, "--local-directory", queue)
    equal(done.returncode, 0, f"{what}: the status is 0")
    missing = [name for name in OF_WRITING if outcomes[name] != "ok"]
    equal(missing, [], f"{what}: everything that a write needs is ok")
    # What this server can't do is told, not hidden: it goes into the run's record.
    for one in told["checks"]:
        if one["outcome"] != "ok":
            note(f"{one['outcome']} {one['name']}: {one['detail']}")
    for name in ("create_only_put", "wrong_checksum", "create_only_complete", "head", "get", "list", "delete", "clock"):
        equal(outcomes[name], "ok", f"{what}: {name} is ok")
    equal((told["can_write"], told["left_behind"]), (True, []), f"{what}: it says that a write can run, and nothing stays")
    check(told["store_figures"]["part_bytes_per_second"] > 0, f"{what}: a part was measured", told["store_figures"])
    nothing_stays(suite, "all", what)
    check(not queue.exists(), f"{what}: nor anything on the disk")
    journal_is_untouched(suite)


def journal_is_untouched(suite: Suite) -> None:
    what, program, bucket, queue = "a journal", suite.program(), suite.bucket("journal"), suite.directory / "queue-j"
    lines = b"".join(b"line %d\n" % number for number in range(1000))
    equal(program.run("write", "--to", bucket.url, "--local-directory", queue, stdin=lines).returncode, 0, f"{what} is written")
    before = sorted(path.name for path in queue.iterdir())
    done, _, _ = examine(program, bucket.url, "--local-directory", queue)
    equal(done.returncode, 0, f"{what}: doctor beside it ends with 0")
    equal(sorted(path.name for path in queue.iterdir()), before, f"{what}: its queue is as it was")
    whole = program.run("verify", "--to", bucket.url, "--deep", "--local", queue)
    equal(whole.returncode, 0, f"{what}: it is whole afterwards")
    equal(sum(1 for _ in bucket.objects()), 1, f"{what}: and has no other object beside it")


def writing_alone(suite: Suite) -> None:
    what, bucket = "writing alone", suite.bucket("writing")
    done, told, outcomes = examine(suite.program(WRITER), bucket.url)
    equal(done.returncode, 0, f"{what}: the status is 0")
    equal(
        {name: outcomes[name] for name in OF_READING}, dict.fromkeys(OF_READING, "missing"),
        f"{what}: looking, reading and listing are told as missing",
    )  # fmt: skip
    check(told["can_write"], f"{what}: a write can run all the same")
    equal(bucket.open_uploads(), [], f"{what}: no upload stays")
    there = keys(suite, "writing")
    named = [key for key in there if any(key in left for left in told["left_behind"])]
    equal(named, there, f"{what}: what stays is named")


def reading_alone(suite: Suite) -> None:
    what, bucket = "reading alone", suite.bucket("reading")
    done, told, outcomes = examine(suite.program(READER), bucket.url)
    equal(done.returncode, 77, f"{what}: the status is 77")
    equal((outcomes["put"], told["can_write"]), ("missing", False), f"{what}: put is missing")
    remedies = {one["name"]: one["remedy"] for one in told["checks"]}
    check("s3:PutObject" in remedies["put"], f"{what}: and the permission is named", remedies["put"])
    nothing_stays(suite, "reading", what)


def wrong_secret(suite: Suite) -> None:
    what, secret = "a wrong secret", "not-the-secret"
    done, told, outcomes = examine(suite.program((ADMIN[0], secret)), suite.bucket("secret").url)
    equal((done.returncode, outcomes["credentials"]), (77, "failed"), f"{what}: 77, and the credentials are to blame")
    shown = secret in done.stderr or secret.encode() in done.stdout
    check(not shown, f"{what}: it isn't shown")
    nothing_stays(suite, "secret", what)


def nobody_listens(suite: Suite) -> None:
    what, port = "nobody listens", free_ports(("port",))["port"]
    program, url = suite.program(), suite.bucket("nowhere").url
    program.environment["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"
    done, _, outcomes = examine(program, url)
    equal((done.returncode, outcomes["reach"]), (69, "failed"), f"{what}: 69, and the way there is to blame")
    lines = program.run("doctor", "--to", url)
    last = lines.stdout.decode().splitlines()[-1]
    check("`write` can't deliver here" in last, f"{what}: the last line says so", last)


def examine(program: Program, url: str, *options: object) -> tuple[subprocess.CompletedProcess, dict, dict[str, str]]:
    """What `doctor --json` says, and the outcome of each check by its name."""
    done = program.run("doctor", "--json", "--to", url, *options)
    try:
        told = json.loads(done.stdout)
    except ValueError as error:
        raise RuntimeError(f"doctor ended with {done.returncode}: {done.stderr}") from error
    return done, told, {one["name"]: one["outcome"] for one in told["checks"]}


def keys(suite: Suite, prefix: str) -> list[str]:
    answer = suite.server.client().list_objects_v2(Bucket=suite.server.bucket, Prefix=f"{prefix}/")
    return [item["Key"] for item in answer.get("Contents", [])]


def nothing_stays(suite: Suite, prefix: str, what: str) -> None:
    found = (keys(suite, prefix), suite.bucket(prefix).open_uploads())
    equal(found, ([], []), f"{what}: neither object nor upload stays in the bucket")
