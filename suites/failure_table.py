"""What the other suites don't show of what a user sees when something fails: each answer that means *wait*, an upload
that somebody aborted, a lost answer, somebody else's object at our key, entries and options that can't be used.

The rows and where each is shown:

  kill -9, power loss                            kill, wire, count, power_loss
  S3 down, slow, 5xx, SlowDown                   outage, wire; here: slow_down
  403, no bucket, expired token, clock skew      bad_bucket; here: refusals
  upload aborted by lifecycle or by hand         here: aborted
  answer lost after success                      wire; here: lost_answers
  foreign object at our key                      here: Foreign
  disk full                                      disk_full
  fsync or write error                           failing_disk, power_loss
  two processes, two machines, copied directory  rivals
  entry with the delimiter inside, over limit    here: entries
  `..`, empty, control characters; wrong options here: options
"""

import shutil
import time
from pathlib import Path

import decoders
from checks import check, equal, note
from oracle import Lines, Oracle, check_closed
from program import Program, lines_said
from proxy import Proxy, Refusal, Request
from suite import Suite

MIB = 1 << 20
LINES = 2_000

# What a store answers, and what the program must say to do about it.
REFUSALS = {
    "access denied": (Refusal(403, "AccessDenied", "Access Denied"), "grant s3:PutObject"),
    "expired token": (Refusal(400, "ExpiredToken", "The provided token has expired."), "renew the credentials"),
    "unknown key": (
        Refusal(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
        "check access key",
    ),
    "clock skew": (
        Refusal(403, "RequestTimeTooSkewed", "The difference between the request time and yours is too large."),
        "clock",
    ),
    "no bucket": (Refusal(404, "NoSuchBucket", "The specified bucket does not exist"), "create the bucket"),
    "KMS key": (
        Refusal(400, "KMS.DisabledException", "The KMS key is disabled."),
        "enable the KMS key",
    ),
    "wrong region": (
        Refusal(301, "PermanentRedirect", "The bucket must be addressed using the specified endpoint."),
        "region and endpoint",
    ),
    "internal error": (Refusal(500, "InternalError", "We encountered an internal error."), ""),
    "slow down": (Refusal(503, "SlowDown", "Please reduce your request rate."), ""),
}  # fmt: skip


def run(suite: Suite) -> None:
    decoders.install_programs()
    suite.server.start()
    lines = Lines()
    with Foreign(suite, lines) as foreign:
        options(suite)
        entries(suite)
        lost_answers(suite, lines)
        aborted(suite, lines)
        refusals(suite, lines)
        foreign.gone()


def through(suite: Suite, proxy: Proxy) -> Program:
    """The program with the proxy as its store."""
    return Program(suite.path, {**suite.server.environment(), "AWS_ENDPOINT_URL": proxy.endpoint})


def refusals(suite: Suite, lines: Lines) -> None:
    """Each refusal is waited for, told once and with what to do, and over once the store takes it. All at once, because
    each takes some seconds."""
    waiting = []
    for number, (name, (refusal, remedy)) in enumerate(REFUSALS.items()):
        proxy = Proxy(suite.server.ports["s3.port"], number).__enter__()
        proxy.refuse = lambda _, refusal=refusal: refusal
        bucket, oracle = suite.bucket(f"refused-{number}"), Oracle(lines)
        queue = suite.directory / f"queue-refused-{number}"
        writer = through(suite, proxy).start_write(
            "--to", bucket.url, "--local-directory", queue, "--id", "table", "--max-object-age", "200ms"
        )
        waiting.append((f"refused, {name}", proxy, writer, bucket, oracle, refusal, remedy))
        writer.feed(lines.blocks(oracle.begin(LINES), LINES), close=False)
    try:
        for what, _, writer, _, _, refusal, remedy in waiting:
            told = writer.wait_for(lambda writer=writer: "goes on by itself" in writer.stderr, f"{what}: it is told")
            check(told and writer.is_running(), f"{what}: it is told, and waited for", writer.stderr)
            equal((writer.durable, writer.uploaded), (LINES, 0), f"{what}: everything is durable here")
            note(writer.stderr.strip()[:400])
            # What was looked at by HEAD has a status only.
            answer = refusal.code in writer.stderr or f"HTTP status {refusal.status}" in writer.stderr
            named = answer and f"{LINES:,} entries wait" in writer.stderr
            check(
                named and remedy in writer.stderr,
                f"{what}: it names the answer, what waits and what to do",
                writer.stderr,
            )
        # Some seconds more: no second line, and no storm of requests.
        time.sleep(3)
        for what, proxy, writer, *_ in waiting:
            equal(len(lines_said(writer.stderr)), 1, f"{what}: one line, not a flood")
            asked = sum(proxy.requests.values())
            check(0 < asked < 60, f"{what}: it asks again at longer and longer intervals", asked)
            proxy.refuse = lambda _: None
        for what, _, writer, bucket, oracle, *_ in waiting:
            arrived = writer.wait_for(lambda writer=writer: writer.uploaded == LINES, f"{what}: it goes on", 120)
            check(arrived, f"{what}: once the store takes it, it goes on by itself", writer.stderr)
            writer.close_input()
            equal(writer.wait(), 0, f"{what}: and ends well")
            oracle.end(0, writer.durable, writer.uploaded)
            oracle.check(bucket, suite.directory / "objects", what, all_of_file=True)
    finally:
        for _, proxy, writer, *_ in waiting:
            writer.kill()
            proxy.__exit__()


def lost_answers(suite: Suite, lines: Lines) -> None:
    """The first request of each kind is carried out and its answer lost, or it is delivered twice: settled by identity,
    never there twice."""
    for fault in ("lost answer", "twice", "twice, first answer", "failed after", "cut answer"):
        for operation, shape in (
            ("PutObject", ()),
            ("CreateMultipartUpload", ("--part-size", "5MiB")),
            ("UploadPart", ("--part-size", "5MiB")),
            ("CompleteMultipartUpload", ("--part-size", "5MiB")),
        ):
            what = f"{fault}, {operation}"
            bucket, oracle = suite.bucket(f"{fault}-{operation}".replace(" ", "-").replace(",", "")), Oracle(lines)
            queue = suite.directory / "queue-lost"
            # Two parts and a little.
            count = 55_000 if shape else LINES
            number = oracle.begin(count)
            with Proxy(suite.server.ports["s3.port"], what) as proxy:
                done: list[str] = []

                def choose(request: Request, done=done, operation=operation, fault=fault) -> str | None:
                    if request.operation != operation or done:
                        return None
                    done.append(request.path)
                    return fault

                proxy.choose = choose
                arguments = ("write", "--to", bucket.url, "--local-directory", queue, "--id", "table", *shape)
                ended = through(suite, proxy).run(*arguments, stdin=b"".join(lines.blocks(number, count)))
            check(done, f"{what}: it happened", proxy.requests)
            equal((ended.returncode, lines_said(ended.stderr)), (0, []), f"{what}: write ends well and says nothing")
            oracle.end(number, count, count)
            oracle.check(bucket, suite.directory / "objects", what, all_of_file=True)
            equal(len(bucket.objects()), 1, f"{what}: there is one object")
            # That the upload was created twice nobody was told: the next opening finds it.
            equal(suite.program().run(*arguments).returncode, 0, f"{what}: another run ends well")
            check_closed(bucket, what)
            shutil.rmtree(queue)


def aborted(suite: Suite, lines: Lines) -> None:
    """An upload with parts is aborted through the API, as a lifecycle rule does it."""
    what = "aborted upload"
    bucket, oracle = suite.bucket("aborted"), Oracle(lines)
    queue = suite.directory / "queue-aborted"
    count = 130_000
    number = oracle.begin(count)
    to = ("--to", bucket.url, "--local-directory", queue, "--id", "table", "--part-size", "5MiB")
    with suite.program().start_write(*to) as writer:
        writer.feed(lines.blocks(number, count // 2), close=False)
        writer.wait_for(lambda: bucket.arrived_bytes() >= 2 * 5 * MIB, f"{what}: parts have gone up")
        answer = bucket.client.list_multipart_uploads(Bucket=bucket.name, Prefix=f"{bucket.prefix}/")
        for upload in answer["Uploads"]:
            where = {"Bucket": bucket.name, "Key": upload["Key"], "UploadId": upload["UploadId"]}
            bucket.client.abort_multipart_upload(**where)
        equal(bucket.open_uploads(), [], f"{what}: it is gone")
        writer.feed(lines.blocks(number, count, count // 2), close=True)
        equal(writer.wait(), 0, f"{what}: write ends well")
    oracle.end(number, writer.durable, writer.uploaded)
    oracle.check(bucket, suite.directory / "objects", what, all_of_file=True)
    check_closed(bucket, what)


class Foreign:
    """Somebody else's object at our key: the upload stops, says where, leaves it alone, keeps everything, and goes on
    by itself when it is gone. Looked at every minute, so that the other checks are made in between."""

    def __init__(self, suite: Suite, lines: Lines):
        self.suite, self.what = suite, "foreign object"
        self.bucket, self.oracle = suite.bucket("foreign"), Oracle(lines)
        self.queue = suite.directory / "queue-foreign"
        self.proxy = Proxy(suite.server.ports["s3.port"], "foreign")
        self.key = ""

    def __enter__(self) -> "Foreign":
        self.proxy.__enter__()

        def occupy(request: Request) -> None:
            if request.operation == "PutObject" and not self.key:
                self.key = request.path.removeprefix(f"/{self.bucket.name}/")
                self.bucket.client.put_object(Bucket=self.bucket.name, Key=self.key, Body=b"somebody else's")

        self.proxy.refuse = occupy
        to = ("--to", self.bucket.url, "--local-directory", self.queue, "--id", "table", "--max-object-age", "200ms")
        program = through(self.suite, self.proxy)
        self.number = self.oracle.begin(LINES)
        self.writer = program.start_write(*to)
        self.writer.feed(self.oracle.lines.blocks(self.number, LINES // 2), close=False)
        told = self.writer.wait_for(lambda: "uploading has stopped" in self.writer.stderr, f"{self.what}: told")
        check(
            told and self.key in self.writer.stderr,
            f"{self.what}: the upload stops and names the key",
            self.writer.stderr,
        )
        for line in self.writer.stderr.splitlines():
            note(line[:400])
        # Submitting goes on.
        self.writer.feed(self.oracle.lines.blocks(self.number, LINES, LINES // 2), close=False)
        durable = self.writer.wait_for(lambda: self.writer.durable == LINES, f"{self.what}: durable")
        check(durable and self.writer.uploaded == 0, f"{self.what}: lines are taken and kept meanwhile")
        body = self.bucket.client.get_object(Bucket=self.bucket.name, Key=self.key)["Body"].read()
        equal(body, b"somebody else's", f"{self.what}: it is left alone")
        self.bucket.client.delete_object(Bucket=self.bucket.name, Key=self.key)
        return self

    def gone(self) -> None:
        """Looks whether it has gone on meanwhile."""
        arrived = self.writer.wait_for(lambda: self.writer.uploaded == LINES, f"{self.what}: it goes on", 120)
        check(arrived, f"{self.what}: once it is gone the upload goes on by itself", self.writer.stderr)
        self.writer.close_input()
        equal(self.writer.wait(), 0, f"{self.what}: and ends well")
        self.oracle.end(self.number, self.writer.durable, self.writer.uploaded)
        self.oracle.check(self.bucket, self.suite.directory / "objects", self.what, all_of_file=True)
        check_closed(self.bucket, self.what)

    def __exit__(self, *_) -> None:
        self.writer.kill()
        self.proxy.__exit__()


def entries(suite: Suite) -> None:
    """Entries that can't be taken end the reading with 65 and are named; what came before them arrives."""
    program = suite.program()
    for name, options, content, words, kept in (
        ("over the limit", ("--max-entry-bytes", "10"), b"short\n" * 3 + b"x" * 11 + b"\nnever\n",
         ("line 4 of standard input", "--max-entry-bytes", "10"), b"short\n" * 3),
        ("delimiter inside", ("--delimiter", "aba"), b"one" + b"aba" + b"two" + b"aba" + b"x" + b"ab",
         ("line 3 of standard input", "choose another --delimiter"), b"oneabatwoaba"),
    ):  # fmt: skip
        bucket = suite.bucket("entries-" + name.replace(" ", "-"))
        queue = suite.directory / f"queue-{name}"
        to = ("--to", bucket.url, "--local-directory", queue, "--id", "table")
        done = program.run("write", *to, *options, stdin=content)
        note(done.stderr.strip())
        equal(done.returncode, 65, f"{name}: write ends with 65")
        check(all(word in done.stderr for word in words), f"{name}: it names the line and the limit", done.stderr)
        equal(b"".join(bucket.read()), kept, f"{name}: what came before it is in the bucket")
        equal(program.status(queue)["pending_entries"], 0, f"{name}: nothing waits")


# Options and words that must be in the answer.
WRONG = (
    (("--id", ".."), ("id", "..")),
    (("--id", ""), ("id",)),
    (("--id", "a/b"), ("id", "a/b")),
    (("--id", "a\x1b[2Jb"), ("id",)),
    (("--s3-directory-format", "'..'/yyyy"), ("s3-directory-format", "..")),
    (("--s3-directory-format", ""), ("s3-directory-format",)),
    (("--s3-directory-format", "'a\x07b'/yyyy"), ("s3-directory-format",)),
    (("--s3-directory-format", "'a'//yyyy"), ("s3-directory-format",)),
    (("--suffix", "../x"), ("suffix", "../x")),
    (("--frobnicate",), ("--frobnicate",)),
    (("--shards", "37"), ("shards", "37", "36")),
    (("--max-object-age", "5"), ("--max-object-age", "5m")),
    (("--compressor", "brotli"), ("compressor", "brotli", "zstd")),
    (("--compressor", "gzip:12"), ("compressor", "12", "9")),
    (("--max-batch-latency", "none"), ("max-batch-latency", "max-batch-size")),
    (("--s3-bucket", "other"), ("--to", "--s3-bucket")),
    (("--from-start",), ("--from-start", "FILE")),
    (("--part-size", "1MiB"), ("part-size", "5")),
    (("--when-full", "drop"), ("--when-full", "drop", "refuse")),
)
WRONG_PLACES = ("s3://journal/a/../b", "s3://journal/a//b", "s3://journal/a\x1bb", "s3://", "s3://journal/./a")


def options(suite: Suite) -> None:
    """What can't be used is refused at once with 2, by name and with what to do, and nothing is made."""
    program, queue = suite.program(), suite.directory / "queue-options"
    url = suite.bucket("options").url
    before = len(suite.bucket("options").objects())
    for wrong, words in WRONG:
        refused(program, ("--to", url, "--local-directory", queue, *wrong), words, " ".join(wrong), queue)
    for place in WRONG_PLACES:
        refused(program, ("--to", place, "--local-directory", queue, "--id", "table"), ("--to",), place, queue)
    equal(len(suite.bucket("options").objects()), before, "wrong options: nothing is written")


def refused(program: Program, arguments: tuple, words: tuple, named: str, queue: Path) -> None:
    what = f"wrong option {named!r}"
    done = program.run("write", *arguments, stdin=b"never\n")
    right = done.returncode == 2 and all(word in done.stderr for word in words)
    clean = not queue.exists() and "\x1b" not in done.stderr and "\x07" not in done.stderr and not done.stdout
    shutil.rmtree(queue, ignore_errors=True)
    check(right and clean, f"{what}: refused with 2, named, with what to do", f"{done.returncode}: {done.stderr}")
