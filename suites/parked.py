"""A refusal that comes while an upload in parts is under way: entries wait, it is told once, and once the store takes them
again the object goes on, each entry once. `failure_table` has refusals that are there from the start.
"""

import contextlib
import time
from pathlib import Path

import text
from checks import check, equal
from leaks import Watch
from object_options import LARGE, PARTS
from program import Writer, lines_said
from proxy import Proxy, Refusal, Request
from suite import Suite

# What a store answers in the middle, and what the program must say to do about it.
REFUSALS = {
    "expired token": (Refusal(400, "ExpiredToken", "The provided token has expired."), "renew the credentials"),
    "access denied": (Refusal(403, "AccessDenied", "Access Denied"), "grant s3:PutObject"),
    "no bucket": (Refusal(404, "NoSuchBucket", "The specified bucket does not exist"), "create the bucket"),
    "KMS key": (Refusal(400, "KMS.DisabledException", "The key is disabled."), "kms:GenerateDataKey"),
    "KMS denial": (
        Refusal(403, "AccessDenied", "The user is not authorized to perform: kms:GenerateDataKey on the resource."),
        "kms:Decrypt",
    ),
    "skewed clock": (
        Refusal(403, "RequestTimeTooSkewed", "The difference between the request time and the server's is too large."),
        "clock",
    ),
}
# A second line would have come by then: it is tried several times.
SECONDS_WATCHED = 3


class Fault:
    """A proxy that lets one part through, and then refuses everything until it is mended."""

    def __init__(self, port: int, name: str, refusal: Refusal):
        self.refusal, self.is_mended, self.parts = refusal, False, 0
        self.proxy = Proxy(port, name)
        self.proxy.refuse = self._refuse
        self.refused = 0

    def _refuse(self, request: Request) -> Refusal | None:
        if self.is_mended or self.parts == 0 and request.operation != "UploadPart":
            return None
        if request.operation == "UploadPart" and self.parts == 0:
            self.parts += 1
            return None
        self.refused += 1
        return self.refusal


def in_the_middle(suite: Suite, watch: Watch, queues: Path) -> None:
    """All at once, because each takes some seconds."""
    with contextlib.ExitStack() as stack:
        waiting: list[tuple[str, Fault, Writer, Path, str, str]] = []
        for name, (refusal, remedy) in REFUSALS.items():
            fault = Fault(suite.server.ports["s3.port"], name, refusal)
            stack.enter_context(fault.proxy)
            prefix = f"parked-{name.replace(' ', '-')}"
            environment = {**suite.server.environment(), "AWS_ENDPOINT_URL": fault.proxy.endpoint}
            to = ("--to", suite.bucket(prefix).url, "--local-directory", queues / prefix, "--id", "conformance", *PARTS)
            writer = stack.enter_context(watch.program(suite.path, environment).start_write(*to))
            writer.feed(text.blocks(0, LARGE), close=False)
            waiting.append((f"in the middle, {name}", fault, writer, queues / prefix, prefix, remedy))
        for what, fault, writer, queue, _, remedy in waiting:
            told = writer.wait_for(lambda writer=writer: "goes on by itself" in writer.stderr, f"{what}: it is told")
            named = fault.refusal.code in writer.stderr and remedy in writer.stderr
            check(told and named, f"{what}: the answer and what to do are told", writer.stderr)
            writer.wait_for(lambda writer=writer: writer.durable == LARGE, f"{what}: all is durable")
            equal((fault.parts, writer.uploaded), (1, 0), f"{what}: a part is there, and nothing is told uploaded")
            equal(suite.program().status(queue)["pending_entries"], LARGE, f"{what}: status tells what waits")
        time.sleep(SECONDS_WATCHED)
        for what, fault, writer, *_ in waiting:
            equal(len(lines_said(writer.stderr)), 1, f"{what}: it is told once")
            check(1 < fault.refused < 100, f"{what}: it is tried again, not without a pause", fault.refused)
            fault.is_mended = True
        for what, _, writer, _, prefix, _ in waiting:
            writer.close_input()
            equal(writer.wait(), 0, f"{what}: once mended it goes on by itself, and ends well")
            equal(writer.uploaded, LARGE, f"{what}: everything is told uploaded")
            bucket = suite.bucket(prefix)
            bucket.check_row(what)
            _, problem = text.difference(bucket.read(), LARGE)
            check(not problem, f"{what}: everything is there, once, in order", problem)
