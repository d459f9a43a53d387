"""Every bucket that can be had here: each option of objects and of the way to the bucket takes effect, as another client
sees it, or is refused with its name; credentials from every source; what isn't known of a store is found out and said.

SeaweedFS checks signatures and has most; moto stands in for Amazon where it has what others pass over; Swift refuses
create-only writes. Secrets are searched for in everything that was said and written.
"""

import os
from pathlib import Path

import amazon
import object_options
import swift
import text
import tls
from checks import check, equal, skip
from leaks import Watch
from object_options import SMALL, Place
from program import lines_said
from proxy import Proxy, headers
from store import ADMIN
from suite import Suite


def run(suite: Suite) -> None:
    watch, queues = Watch(), suite.directory / "queues"
    queues.mkdir()
    watch.secret("SeaweedFS's secret key", ADMIN[1])
    suite.server.start()
    with amazon.Amazon(suite.directory / "amazon") as moto:
        watch.secret("moto's secret key", amazon.KEYS[1])
        on_seaweedfs(suite, watch, queues)
        on_amazon(suite, watch, queues, moto)
    on_swift(suite, watch, queues)
    watch.check(queues, "secrets")


def on_seaweedfs(suite: Suite, watch: Watch, queues: Path) -> None:
    """Class, its own keys, tags, metadata, type and coding, locks."""
    program = watch.program(suite.path, suite.server.environment())
    place = Place("SeaweedFS", suite.server, program, queues)
    object_options.take_effect(place, "plain", (*object_options.PLAIN, object_options.OWN_KEYS))
    object_options.recovered(place, "recovered", (*object_options.PLAIN, object_options.OWN_KEYS))
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
    rows = (*object_options.PLAIN, *object_options.kms(key), object_options.CANNED, *object_options.locks(in_parts=False))
    object_options.take_effect(place, "plain", rows)
    object_options.take_effect(place, "grants", object_options.GRANTS)


def on_swift(suite: Suite, watch: Watch, queues: Path) -> None:
    """Create-only writes are refused: the substitute is taken, and said."""
    try:
        swift.install()
        swift.check_attributes(suite.directory / "swift")
    except swift.Unavailable as missing:
        skip("Swift", missing)
        return
    watch.secret("Swift's secret key", swift.KEYS[1])
    with swift.Swift(suite.directory / "swift") as server:
        place = Place("Swift", server, watch.program(suite.path, server.environment()), queues)
        object_options.take_effect(place, "plain", object_options.PLAIN[2:])
