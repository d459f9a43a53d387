"""Each option of objects that the program has: what it gives, as another client reads it back.

One object in one piece, one in parts whose process was killed in the middle, one whose upload was aborted besides, and one
that was recovered after its machine was lost: all have the options, or the store refuses and the message names the option.
"""

import datetime
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import text
from bucket import Bucket, Stored
from checks import check, equal, note
from program import Program, ended_well

MIB = 1 << 20
SMALL = 100
# Two parts of 5 MiB and more.
LARGE = 110_000
PARTS = ("--part-size", "5MiB", "--max-object-size", "64MiB")
UNTIL = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)
EVERYBODY = "http://acs.amazonaws.com/groups/global/AllUsers"
# What isn't there by then doesn't come: an end with 75, which says why.
ENDS = ("--close-timeout", "60s")
# Long enough to be told what a store refuses.
CLOSE_TIMEOUT = ("--close-timeout", "5s")


@dataclass
class Row:
    """An option with its value, and what of it a client sees: the method of boto3's client, and what its answer must
    hold."""

    option: tuple[str, ...]
    method: str
    holds: Callable[[dict], bool]
    # Of an object in parts, too.
    in_parts: bool = True


def head(option: tuple[str, ...], name: str, value: object, **more) -> Row:
    """A row that HEAD shows."""
    return Row(option, "head_object", lambda answer: answer.get(name) == value, **more)


def has_grant(answer: dict, permission: str) -> bool:
    return any(g["Grantee"].get("URI") == EVERYBODY and g["Permission"] == permission for g in answer["Grants"])


TAGS = [{"Key": "team", "Value": "billing"}, {"Key": "rate", "Value": "a=b c"}]
PLAIN = (
    head(("--storage-class", "STANDARD_IA"), "StorageClass", "STANDARD_IA"),
    Row(
        ("--tag", "team=billing", "--tag", "rate=a=b c"),
        "get_object_tagging",
        lambda answer: sorted(map(str, answer["TagSet"])) == sorted(map(str, TAGS)),
    ),  # fmt: skip
    Row(
        ("--metadata", "colour=red", "--metadata", "size=12 m"),
        "head_object",
        lambda answer: (answer["Metadata"].get("colour"), answer["Metadata"].get("size")) == ("red", "12 m"),
    ),  # fmt: skip
    head(("--content-type", "text/csv; charset=utf-8"), "ContentType", "text/csv; charset=utf-8"),
    head(("--content-encoding", "x-lines"), "ContentEncoding", "x-lines"),
)
OWN_KEYS = head(("--sse", "AES256"), "ServerSideEncryption", "AES256")


def locks(in_parts: bool) -> tuple[Row, ...]:
    """Locks to a day, and a hold."""
    return (
        head(("--object-lock", "COMPLIANCE"), "ObjectLockMode", "COMPLIANCE", in_parts=in_parts),
        head(("--object-lock-until", f"{UNTIL:%Y-%m-%d}"), "ObjectLockRetainUntilDate", UNTIL, in_parts=in_parts),
        head(("--legal-hold",), "ObjectLockLegalHoldStatus", "ON", in_parts=in_parts),
    )


def kms(key: str) -> tuple[Row, ...]:
    """A key of KMS."""
    return (
        head(("--sse", "aws:kms"), "ServerSideEncryption", "aws:kms"),
        head(("--sse-kms-key-id", key), "SSEKMSKeyId", key),
    )


CANNED = Row(("--acl", "public-read"), "get_object_acl", lambda answer: has_grant(answer, "READ"))
GRANTS = (
    Row(("--grant-read", f'uri="{EVERYBODY}"'), "get_object_acl", lambda answer: has_grant(answer, "READ")),
    Row(("--grant-read-acp", f'uri="{EVERYBODY}"'), "get_object_acl", lambda answer: has_grant(answer, "READ_ACP")),
    Row(("--grant-write-acp", f'uri="{EVERYBODY}"'), "get_object_acl", lambda answer: has_grant(answer, "WRITE_ACP")),
    Row(
        ("--grant-full-control", f'uri="{EVERYBODY}"'),
        "get_object_acl",
        lambda answer: has_grant(answer, "FULL_CONTROL"),
    ),  # fmt: skip
    head(("--sse", "aws:kms:dsse"), "ServerSideEncryption", "aws:kms:dsse"),
)


@dataclass
class Place:
    """A store's bucket, and who writes to it."""

    name: str
    server: object
    program: Program
    queues: object
    # What each GET and HEAD needs besides the key.
    reading: dict = field(default_factory=dict)
    # What each command needs besides.
    way: tuple[object, ...] = ()

    def bucket(self, prefix: str) -> Bucket:
        return Bucket(self.server, prefix)

    def write(self, bucket: Bucket, *options: object) -> tuple[object, ...]:
        """The options of a journal of its own."""
        queue = self.queues / f"{self.name}-{bucket.prefix}".replace(" ", "-")
        return ("--to", bucket.url, "--local-directory", queue, "--id", "conformance", *self.way, *options)


def take_effect(place: Place, prefix: str, rows: tuple[Row, ...], in_parts: bool = True) -> None:
    """All rows at once, on each way that an object can come into the bucket."""
    options = [word for row in rows for word in row.option]
    in_one_piece(place, f"{prefix}-piece", rows, options)
    if in_parts:
        for aborts in (False, True):
            killed(place, f"{prefix}-{'aborted' if aborts else 'killed'}", rows, options, aborts)


def in_one_piece(place: Place, prefix: str, rows: tuple[Row, ...], options: list[str]) -> None:
    what, bucket = f"{place.name}, in one piece", place.bucket(prefix)
    done = place.program.run("write", *place.write(bucket, *options), *ENDS, stdin=text.numbered(0, SMALL))
    ended_well(done, f"{what}: write ends well with {len(rows)} options")
    looked_at(place, bucket, rows, SMALL, what, is_in_parts=False)


def killed(place: Place, prefix: str, rows: tuple[Row, ...], options: list[str], aborts: bool) -> None:
    """Killed with a part in the bucket; the upload is gone besides, or it goes on."""
    what, bucket = f"{place.name}, in parts, killed{' and aborted' if aborts else ''}", place.bucket(prefix)
    command = place.write(bucket, *PARTS, *options)
    with place.program.start_write(*command) as writer:
        writer.feed(text.blocks(0, LARGE), close=False)
        begun = writer.wait_for(
            lambda: writer.durable == LARGE and bucket.arrived_bytes() > 0, f"{what}: a part is there"
        )
        check(begun, f"{what}: a part is in the bucket", writer.stderr)
        writer.kill()
    if aborts:
        listed = bucket.client.list_multipart_uploads(Bucket=bucket.name, Prefix=f"{bucket.prefix}/")
        for upload in listed.get("Uploads", []):
            bucket.client.abort_multipart_upload(Bucket=bucket.name, Key=upload["Key"], UploadId=upload["UploadId"])
    done = place.program.run("write", *command, *ENDS)
    ended_well(done, f"{what}: the next run ends well")
    looked_at(place, bucket, rows, LARGE, what, is_in_parts=True)


def recovered(place: Place, prefix: str, rows: tuple[Row, ...]) -> None:
    """The machine is lost with an open upload; what `recover` makes of it has the options, too."""
    what, bucket = f"{place.name}, recovered", place.bucket(prefix)
    options = [word for row in rows for word in row.option]
    command = place.write(bucket, *PARTS, *options)
    with place.program.start_write(*command) as writer:
        writer.feed(text.blocks(0, LARGE), close=False)
        writer.wait_for(lambda: bucket.arrived_bytes() >= 5 * MIB, f"{what}: parts are there")
        writer.kill()
    incarnation = place.program.status(command[3])["incarnation"]
    done = place.program.run(
        "recover",
        "--to",
        bucket.url,
        *place.way,
        "--complete",
        "--older-than",
        "0",
        "--incarnation",
        incarnation,
        *options,
    )
    ended_well(done, f"{what}: recover ends well")
    objects = [stored for stored in bucket.objects() if ".recovered." in stored.key]
    equal(len(objects), 1, f"{what}: there is one object")
    for stored in objects:
        rows_hold(place, bucket, stored, rows, what)


def looked_at(place: Place, bucket: Bucket, rows: tuple[Row, ...], lines: int, what: str, is_in_parts: bool) -> None:
    """All lines are there, once, in an object that is as it was asked for."""
    objects = bucket.check_row(what)
    equal([stored.parts > 0 for stored in objects], [is_in_parts], f"{what}: one object, in one piece or in parts")
    bodies = (bucket.client.get_object(Bucket=bucket.name, Key=o.key, **place.reading)["Body"].read() for o in objects)
    _, problem = text.difference(bodies, lines)
    check(not problem, f"{what}: all {lines} lines are there, once", problem)
    for stored in objects:
        rows_hold(place, bucket, stored, [row for row in rows if row.in_parts or not is_in_parts], what)


def rows_hold(place: Place, bucket: Bucket, stored: Stored, rows, what: str) -> None:
    for row in rows:
        reading = place.reading if row.method == "head_object" else {}
        try:
            answer = getattr(bucket.client, row.method)(Bucket=bucket.name, Key=stored.key, **reading)
        except Exception as error:  # noqa: BLE001 - whatever it is, the option isn't seen
            answer = {"error": error}
        answer.pop("ResponseMetadata", None)
        holds = "error" not in answer and row.holds(answer)
        check(holds, f"{what}: {' '.join(row.option)} is seen by another client", answer)


def refused(place: Place, cases: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]) -> None:
    """Each option that the store doesn't take: told with its name, everything is kept, and arrives without it. All at
    once, because each takes some seconds."""
    with ThreadPoolExecutor(len(cases)) as threads:
        results = list(threads.map(lambda case: refuse_one(place, *case), cases))
    for what, bucket, stopped, drained in results:
        words = next(case[1] for case in cases if what.endswith(" ".join(case[0])))
        told = all(word in stopped.stderr for word in words) and "wait safely" in stopped.stderr
        check(
            stopped.returncode == 75 and told, f"{what}: refused with 75, by name: {', '.join(words)}", stopped.stderr
        )
        note(stopped.stderr.strip().splitlines()[-1][:300] if stopped.stderr.strip() else "")
        ended_well(drained, f"{what}: without it everything goes")
        _, problem = text.difference(bucket.read(), SMALL)
        check(not problem, f"{what}: and is there once", problem)


def refuse_one(place: Place, option: tuple[str, ...], _: tuple[str, ...]):
    name = "refused-" + "".join(c if c.isalnum() else "-" for c in "".join(option).lower())
    bucket = place.bucket(name)
    command = place.write(bucket)
    stopped = place.program.run("write", *command, *option, *CLOSE_TIMEOUT, stdin=text.numbered(0, SMALL))
    drained = place.program.run("write", *command, *ENDS)
    return f"{place.name}, {' '.join(option)}", bucket, stopped, drained
