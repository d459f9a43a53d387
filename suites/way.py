"""The way to the bucket: https with an authority of one's own and a key of one's own (SSE-C), a proxy, the bucket's name in the
path or in the host's, and what each request must say of owner and payer.

What a store passes over is looked at on the wire, where a proxy of ours records it.
"""

import amazon
import object_options
import text
import tls
from bucket import Bucket
from checks import check, equal, skip
from leaks import Watch
from object_options import CLOSE_TIMEOUT, ENDS, LARGE, PARTS, SMALL, Place
from program import ended_well
from proxy import Proxy, Request, headers
from suite import Suite

OWNER = "123456789012"
# Names that nobody resolves: only who asks the proxy gets there.
NOWHERE = "s3.suites.invalid"
# What each request must say, on each call of the protocol.
EVERY_CALL = {"x-amz-expected-bucket-owner": OWNER, "x-amz-request-payer": "requester"}
ON_CREATION = {
    "x-amz-server-side-encryption": "AES256",
    "x-amz-grant-full-control": 'id="1234"',
    "x-amz-storage-class": "STANDARD_IA",
}


class Recorder:
    """A proxy that keeps the head of each request."""

    def __init__(self, port: int, name: str):
        self.proxy, self.seen = Proxy(port, name), []
        self.answers: list[bytes] = []
        self.proxy.refuse = self._keep
        self.proxy.answered = lambda _, answer: self.answers.append(answer)

    def __enter__(self) -> "Recorder":
        self.proxy.__enter__()
        return self

    def __exit__(self, *_) -> None:
        self.proxy.__exit__()

    def _keep(self, request: Request) -> None:
        self.seen.append((request.operation, headers(request.head), request))


def https(suite: Suite, watch: Watch, queues) -> None:
    """A key of one's own goes over https alone, and needs a certificate that is trusted."""
    if not tls.can_be_had():
        skip("https and SSE-C", "there is no openssl")
        return
    what, authority = "SSE-C over https", tls.make_certificates(suite.directory / "certificates")
    key = bytes(suite.random.randrange(256) for _ in range(32))
    key_file = suite.directory / "customer.key"
    key_file.write_bytes(key)
    watch.secret("the key of SSE-C", key)
    reading = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}
    with tls.Front(suite.server.ports["s3.port"], authority.parent) as front:
        environment = {**suite.server.environment(), "AWS_ENDPOINT_URL": front.endpoint}
        program = watch.program(suite.path, environment)
        way = ("--ca-bundle", authority, "--sse-customer-key-file", key_file)
        place = Place(what, suite.server, program, queues, way=way)
        place.server = TlsView(suite, front, authority)
        place.reading = reading
        rows = (object_options.head((), "SSECustomerAlgorithm", "AES256"),)
        object_options.take_effect(place, "customer", rows)
        bucket = place.bucket("customer-piece")
        whose(bucket, what)
        for command in (("cat",), ("verify", "--deep")):
            done = program.run(*command, "--to", bucket.url, *way)
            ended_well(done, f"{what}: {command[0]} reads it with the key")
        done = program.run("cat", "--to", bucket.url, *way[:2])
        check(done.returncode != 0 and not done.stdout, f"{what}: cat reads nothing without it", done.stderr)
        # The same bundle by the variable, and none at all.
        by_variable = watch.program(suite.path, {**environment, "AWS_CA_BUNDLE": str(authority)})
        to = place.write(Bucket(suite.server, "bundle"))[:-4]
        done = by_variable.run("write", *to, *ENDS, stdin=text.numbered(0, SMALL))
        ended_well(done, "https: AWS_CA_BUNDLE is trusted")
        to = place.write(Bucket(suite.server, "unknown"))[:-4]
        done = program.run("write", *to, *CLOSE_TIMEOUT, stdin=text.numbered(0, SMALL))
        told = "certificate" in done.stderr and "wait safely" in done.stderr
        check(
            done.returncode == 75 and told,
            "https: without the bundle it is refused, and the certificate named",
            done.stderr,
        )
    to = place.write(Bucket(suite.server, "plain-http"))[:-4]
    done = watch.program(suite.path, suite.server.environment()).run(
        "write", *to, "--endpoint", suite.server.endpoint, "--sse-customer-key-file", key_file, stdin=b"never\n"
    )
    told = "SSE-C" in done.stderr and "https" in done.stderr
    check(done.returncode == 2 and told, "SSE-C over http: refused with 2, and https named", done.stderr)
    queue = queues / "environment-http"
    done = watch.program(suite.path, suite.server.environment()).run(
        "write", "--to", Bucket(suite.server, "environment-http").url, "--local-directory", queue, "--id", "conformance",
        "--sse-customer-key-file", key_file, *CLOSE_TIMEOUT, stdin=b"never\n",
    )  # fmt: skip
    said = "https" in done.stderr and done.returncode in (2, 75)
    check(said, "SSE-C over http by AWS_ENDPOINT_URL: refused, and https named", f"{done.returncode}: {done.stderr}")
    equal(
        Bucket(suite.server, "environment-http").objects(),
        [],
        "SSE-C over http by AWS_ENDPOINT_URL: nothing is written",
    )


class TlsView:
    """The store as boto3 sees it through the front: keys of one's own are given over https alone."""

    def __init__(self, suite: Suite, front: tls.Front, authority):
        self._suite, self._front, self._authority, self.bucket = suite, front, authority, suite.server.bucket

    def client(self):
        return self._suite.server.client(endpoint=self._front.endpoint, verify=str(self._authority))


def whose(bucket: Bucket, what: str) -> None:
    """Nobody reads it without the key."""
    for stored in bucket.objects():
        try:
            bucket.client.head_object(Bucket=bucket.name, Key=stored.key)
            refused = ""
        except bucket.client.exceptions.ClientError as error:
            refused = str(error)
        check("400" in refused or "403" in refused, f"{what}: another client without the key is refused", refused)


def on_the_wire(suite: Suite, watch: Watch, queues) -> None:
    """What SeaweedFS passes over is sent all the same, on each call of the protocol that takes it."""
    what = "on the wire"
    with Recorder(suite.server.ports["s3.port"], what) as recorder:
        environment = {**suite.server.environment(), "AWS_ENDPOINT_URL": recorder.proxy.endpoint}
        place = Place(what, suite.server, watch.program(suite.path, environment), queues)
        options = (
            "--expected-bucket-owner", OWNER, "--requester-pays", "--sse", "AES256", "--storage-class", "STANDARD_IA",
            "--grant-full-control", 'id="1234"',
        )  # fmt: skip
        for prefix, lines, shape in (("wire-piece", SMALL, ()), ("wire-parts", LARGE, PARTS)):
            bucket = place.bucket(prefix)
            done = place.program.run(
                "write", *place.write(bucket, *options, *shape, *ENDS), stdin=b"".join(text.blocks(0, lines))
            )
            ended_well(done, f"{what}: {prefix} ends well")
            for command in ("cat", "verify"):
                read = place.program.run(
                    command, "--to", bucket.url, "--expected-bucket-owner", OWNER, "--requester-pays"
                )
                ended_well(read, f"{what}: {command} ends well")
    calls = {operation for operation, _, _ in recorder.seen}
    wanted = {"PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "GetObject", "ListObjects"}
    check(wanted <= calls, f"{what}: {', '.join(sorted(wanted))} are seen", calls)
    for name, value in EVERY_CALL.items():
        without = sorted({operation for operation, fields, _ in recorder.seen if fields.get(name) != value})
        equal(without, [], f"{what}: {name} is on every request")
    for name, value in ON_CREATION.items():
        creations = [
            fields for operation, fields, _ in recorder.seen if operation in ("PutObject", "CreateMultipartUpload")
        ]
        check(
            all(fields.get(name) == value for fields in creations),
            f"{what}: {name} is on what makes objects",
            creations,
        )
    agents = {fields.get("user-agent", "") for _, fields, _ in recorder.seen}
    check(all("app/s3-journal" in agent for agent in agents), f"{what}: the user agent names the program", agents)


def through_a_proxy(suite: Suite, watch: Watch, queues, moto: amazon.Amazon) -> None:
    """By `HTTP_PROXY`, in both styles of naming the bucket, to a store that can't be reached otherwise."""
    plain = {key: value for key, value in moto.environment().items() if key != "S3_JOURNAL_PATH_STYLE"}
    keys = {"AWS_ACCESS_KEY_ID": amazon.KEYS[0], "AWS_SECRET_ACCESS_KEY": amazon.KEYS[1]}
    for name, server, store, host, style, wanted in (
        ("path", suite.server, suite.server.environment(), NOWHERE, "true", NOWHERE),
        ("host", moto, {**plain, **keys}, "s3.amazonaws.com", "false", f"{moto.bucket}.s3.amazonaws.com"),
    ):
        what, bucket = f"proxy, the bucket's name in the {name}", Bucket(server, f"proxy-{name}")
        port = server.ports["s3.port"] if name == "path" else server.port
        with Recorder(port, what) as recorder:
            environment = {**store, "AWS_ENDPOINT_URL": f"http://{host}", "HTTP_PROXY": recorder.proxy.endpoint}
            environment["S3_JOURNAL_PATH_STYLE"] = style
            program = watch.program(suite.path, environment)
            to = ("--to", bucket.url, "--local-directory", queues / f"proxy-{name}", "--id", "conformance")
            done = program.run("write", *to, *ENDS, stdin=text.numbered(0, SMALL))
        ended_well(done, f"{what}: write ends well")
        _, problem = text.difference(bucket.read(), SMALL)
        check(not problem, f"{what}: all lines are there, once", problem)
        hosts = {fields.get("host") for _, fields, _ in recorder.seen}
        equal(hosts, {wanted}, f"{what}: the proxy was asked for {wanted}")
    program = watch.program(suite.path, {**suite.server.environment(), "AWS_ENDPOINT_URL": f"http://{NOWHERE}"})
    to = ("--to", f"s3://{suite.server.bucket}/nowhere", "--local-directory", queues / "nowhere", "--id", "conformance")
    done = program.run("write", *to, *CLOSE_TIMEOUT, stdin=text.numbered(0, SMALL))
    told = "can't be reached" in done.stderr and "wait safely" in done.stderr
    check(done.returncode == 75 and told, "proxy: without it the store isn't reached, and that is told", done.stderr)
