"""Every bucket that can be had here: each option of objects and of the way to the bucket takes effect, as another client
sees it, or is refused with its name; credentials from every source; what isn't known of a store is found out and said.

SeaweedFS checks signatures and has most; moto stands in for Amazon where it has what others pass over; Swift refuses
create-only writes. Secrets are searched for in everything that was said and written.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import amazon
import credentials
import object_options
import parked
import swift
import text
import way
from checks import check, equal, skip
from leaks import Watch
from object_options import ENDS, Place
from program import ended_well, lines_said
from store import ADMIN, SeaweedFS
from suite import Suite

LOCKED = "locked"


@dataclass
class Other:
    """Another bucket of a store."""

    server: SeaweedFS
    bucket: str

    def client(self):
        return self.server.client()


def run(suite: Suite) -> None:
    watch, queues = Watch(), suite.directory / "queues"
    queues.mkdir()
    watch.secret("SeaweedFS's secret key", ADMIN[1])
    suite.server.start()
    with ThreadPoolExecutor(1) as threads:
        # Beside the rest: it takes half a minute.
        installing = threads.submit(swift.install)
        over_all(suite, watch, queues)
        on_swift(suite, watch, queues, installing)
    watch.check(queues, "secrets")


def over_all(suite: Suite, watch: Watch, queues: Path) -> None:
    """SeaweedFS, and moto, and the ways and keys to both."""
    with amazon.Amazon(suite.directory / "amazon") as moto:
        watch.secret("moto's secret key", amazon.KEYS[1])
        on_seaweedfs(suite, watch, queues)
        on_amazon(suite, watch, queues, moto)
        way.through_a_proxy(suite, watch, queues, moto)
        credentials.every_source(suite, watch, queues, moto)
        credentials.rotated(suite, watch, queues, moto)
    credentials.rewritten(suite, watch, queues)
    way.https(suite, watch, queues)
    way.on_the_wire(suite, watch, queues)
    parked.in_the_middle(suite, watch, queues)


def on_seaweedfs(suite: Suite, watch: Watch, queues: Path) -> None:
    """Class, its own keys, tags, metadata, type and coding, locks."""
    program = watch.program(suite.path, suite.server.environment())
    place = Place("SeaweedFS", suite.server, program, queues)
    object_options.take_effect(place, "plain", (*object_options.PLAIN, object_options.OWN_KEYS))
    object_options.recovered(place, "recovered", (*object_options.PLAIN, object_options.OWN_KEYS))
    suite.server.client().create_bucket(Bucket=LOCKED, ObjectLockEnabledForBucket=True)
    locked = Place("SeaweedFS, locked", Other(suite.server, LOCKED), program, queues)
    object_options.take_effect(locked, "locks", object_options.locks(in_parts=True))
    object_options.refused(
        place,
        (
            (("--sse", "aws:kms", "--sse-kms-key-id", "alias/none"), ("sse, sse-kms-key-id",)),
            (("--object-lock", "GOVERNANCE", "--object-lock-for", "1h"), ("InvalidRequest", "object-lock")),
            (("--legal-hold",), ("InvalidRequest", "legal-hold")),
            (("--storage-class", "NO_SUCH_CLASS"), ("InvalidStorageClass", "storage-class")),
        ),
    )


def on_amazon(suite: Suite, watch: Watch, queues: Path, moto: amazon.Amazon) -> None:
    """KMS, ACL and grants, locks."""
    keys = {"AWS_ACCESS_KEY_ID": amazon.KEYS[0], "AWS_SECRET_ACCESS_KEY": amazon.KEYS[1]}
    place = Place("moto", moto, watch.program(suite.path, {**moto.environment(), **keys}), queues)
    key = moto.client("kms").create_key()["KeyMetadata"]["Arn"]
    # It forgets locks of objects in parts: SeaweedFS shows those.
    rows = (
        *object_options.PLAIN,
        *object_options.kms(key),
        object_options.CANNED,
        *object_options.locks(in_parts=False),
    )
    object_options.take_effect(place, "plain", rows)
    object_options.take_effect(place, "grants", object_options.GRANTS)


def on_swift(suite: Suite, watch: Watch, queues: Path, installing: Future) -> None:
    """Create-only writes are refused: the substitute is taken, and said."""
    try:
        installing.result()
        swift.check_attributes(suite.directory / "swift")
    except swift.Unavailable as missing:
        skip("Swift", missing)
        return
    watch.secret("Swift's secret key", swift.KEYS[1])
    with swift.Swift(suite.directory / "swift") as server:
        place = Place("Swift", server, watch.program(suite.path, server.environment()), queues)
        object_options.take_effect(place, "plain", object_options.PLAIN[2:])
        what, bucket = "Swift, what it can't do", place.bucket("said")
        shape = ("--part-size", "5MiB", "--max-object-size", "6MiB")
        lines = b"".join(text.blocks(0, object_options.LARGE))
        done = place.program.run("write", *place.write(bucket, *shape, *ENDS), stdin=lines)
        ended_well(done, f"{what}: write ends well")
        _, problem = text.difference(bucket.read(), object_options.LARGE)
        check(not problem, f"{what}: everything is there, once, in order", problem)
        check(len(bucket.check_row(what)) > 1, f"{what}: in several objects")
        said = lines_said(done.stderr)
        for words in (("If-None-Match", "looked at before it is written"), ("know CRC-64/NVME", "Content-MD5")):
            telling = [line for line in said if all(word in line for word in words)]
            equal(len(telling), 1, f"{what}: what is missing and what is done instead is said once: {words[0]}")
        # Only an object in one piece shows whether the next weaker one is known.
        weaker = [line for line in said if "know CRC-32C" in line and "Content-MD5" in line]
        check(len(weaker) <= 1, f"{what}: the next weaker checksum is told once at most", str(said))
        equal(len(said), 2 + len(weaker), f"{what}: and nothing else")
        object_options.refused(
            place,
            (
                (("--sse", "AES256"), ("NotImplemented", "sse")),
                (("--tag", "team=billing"), ("NotImplemented", "tag")),
                (("--storage-class", "GLACIER"), ("InvalidStorageClass", "storage-class")),
            ),
        )
