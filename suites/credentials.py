"""Keys from each source that the AWS tools know: the store is asked with them and no others, and when they are replaced while
entries go up, those wait and go on with the new ones.

SeaweedFS checks the signatures of keys that last; those with a session token go to moto, and are looked at on the wire.
"""

import hashlib
import json
import re
import shlex
import sys
from pathlib import Path
from urllib.parse import parse_qs

import amazon
import text
from bucket import Bucket
from checks import check, equal
from key_server import KeyServer
from leaks import Watch
from object_options import ENDS, SMALL
from program import ended_well, lines_said
from proxy import Refusal, Request, headers
from store import ADMIN
from suite import Suite
from way import Recorder

ROLE = "arn:aws:iam::123456789012:role/journal"
START_URL = "https://suites.example/start"
EXTERNAL_ID, SESSION = "external-id-of-suites", "session-of-suites"
WEB_TOKEN = "web-identity-token-of-suites"
# A client fetches keys again some seconds before they end: this short, nearly each time.
SHORT_SECONDS = 12
EXPIRED = Refusal(400, "ExpiredToken", "The provided token has expired.")


def every_source(suite: Suite, watch: Watch, queues: Path, moto: amazon.Amazon) -> None:
    place = suite.directory / "sources"
    place.mkdir()
    lasting(suite, watch, queues, place)
    temporary(suite, watch, queues, moto, place)


def lasting(suite: Suite, watch: Watch, queues: Path, place: Path) -> None:
    """Keys without an end, whose signatures the store checks."""
    named, process, script = place / "credentials", place / "config", place / "keys.py"
    named.write_text(f"[suites]\naws_access_key_id = {ADMIN[0]}\naws_secret_access_key = {ADMIN[1]}\n")
    keys = {"Version": 1, "AccessKeyId": ADMIN[0], "SecretAccessKey": ADMIN[1]}
    script.write_text(f"print({json.dumps(keys)!r})\n")
    process.write_text(f"[profile made]\ncredential_process = {shlex.join([sys.executable, str(script)])}\n")
    base = {
        key: value for key, value in suite.server.environment().items() if not key.endswith(("KEY_ID", "ACCESS_KEY"))
    }
    env = {"AWS_ACCESS_KEY_ID": ADMIN[0], "AWS_SECRET_ACCESS_KEY": ADMIN[1]}
    wrong = {"AWS_ACCESS_KEY_ID": "nobody-at-all", "AWS_SECRET_ACCESS_KEY": "not-the-secret-key"}
    secret_file = place / "secret"
    secret_file.write_text(ADMIN[1])
    for name, more, options in (
        ("environment", env, ()),
        ("profile by AWS_PROFILE", {"AWS_SHARED_CREDENTIALS_FILE": named, "AWS_PROFILE": "suites"}, ()),
        (
            "profile by option, before the environment",
            {**wrong, "AWS_SHARED_CREDENTIALS_FILE": named},
            ("--profile", "suites"),
        ),
        ("process", {"AWS_CONFIG_FILE": process, "AWS_PROFILE": "made"}, ()),
        ("options, before the environment", wrong, ("--s3-access-key", ADMIN[0], "--s3-secret-key-file", secret_file)),
    ):
        bucket = Bucket(suite.server, "keys-" + re.sub("[^a-zA-Z]+", "-", name))
        environment = {**base, **{key: str(value) for key, value in more.items()}}
        delivered(suite, watch, queues, bucket, environment, options, f"keys, {name}")


def temporary(suite: Suite, watch: Watch, queues: Path, moto: amazon.Amazon, place: Path) -> None:
    """Keys with a session token: which reached the store is seen on the wire."""
    token = place / "token"
    token.write_text(WEB_TOKEN)
    watch.secret("the web identity's token", WEB_TOKEN)
    env = {"AWS_ACCESS_KEY_ID": amazon.KEYS[0], "AWS_SECRET_ACCESS_KEY": amazon.KEYS[1]}
    role = ("--role-arn", ROLE, "--role-external-id", EXTERNAL_ID, "--role-session-name", SESSION)
    with KeyServer("container") as container, KeyServer("machine") as machine, KeyServer("portal") as portal:
        for source in (container, machine, portal):
            watch.secret(f"the secret key of the {source.name}", source.keys.secret)
            watch.secret(f"the session token of the {source.name}", source.keys.token)
        watch.secret("the container's authorization", container.container_token)
        watch.secret("the machine's session token", machine.machine_token)
        watch.secret("the access token of single sign-on", portal.portal_token)
        of_container = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{container.endpoint}/container",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": container.container_token,
        }
        of_machine = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": machine.endpoint, "AWS_EC2_METADATA_DISABLED": "false"}
        of_web = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": ROLE, "AWS_ROLE_SESSION_NAME": SESSION}
        of_portal = signed_on(place / "home", portal)
        for name, more, options, source in (
            ("single sign-on", of_portal, ("--profile", "signed-on"), portal),
            ("container", of_container, (), container),
            ("instance metadata", of_machine, (), machine),
            ("web identity", of_web, (), None),
            ("role with external id", env, role, None),
        ):
            what, bucket = f"keys, {name}", Bucket(moto, f"keys-{name.replace(' ', '-')}")
            with Recorder(moto.port, what) as recorder:
                ways = {"AWS_ENDPOINT_URL": recorder.proxy.endpoint, "AWS_ENDPOINT_URL_STS": recorder.proxy.endpoint}
                delivered(suite, watch, queues, bucket, {**moto.environment(), **ways, **more}, options, what)
            told = keys_told(recorder)
            for number, (_, secret, session) in enumerate(told):
                watch.secret(f"{what}: secret key {number}", secret)
                watch.secret(f"{what}: session token {number}", session)
            wanted = (
                {(source.keys.access, source.keys.token)}
                if source
                else {(access, session) for access, _, session in told}
            )
            used = {
                used_keys(fields) for operation, fields, request in recorder.seen if "Action=" not in asked(request)
            }
            check(
                used and used <= wanted,
                f"{what}: the store is asked with these keys and their token, and no others",
                used,
            )
            if source is None:
                sts_asked(recorder, name, what)
        check(
            any("/latest/api/token" in path for path in machine.asked), "keys, instance metadata: by a session (IMDSv2)"
        )


def signed_on(home: Path, portal: KeyServer) -> dict[str, str]:
    """What `aws sso login` leaves behind, and where the program finds it."""
    settings, cache = home / ".aws", home / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    (settings / "config").write_text(
        "[profile signed-on]\nsso_session = suites\nsso_account_id = 123456789012\nsso_role_name = journal\n"
        f"[sso-session suites]\nsso_region = us-east-1\nsso_start_url = {START_URL}\n"
    )
    token = {
        "accessToken": portal.portal_token, "expiresAt": "2099-01-01T00:00:00Z", "region": "us-east-1",
        "startUrl": START_URL,
    }  # fmt: skip
    # Named after the session (https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html).
    (cache / f"{hashlib.sha1(b'suites').hexdigest()}.json").write_text(json.dumps(token))
    return {"HOME": str(home), "AWS_CONFIG_FILE": str(settings / "config"), "AWS_ENDPOINT_URL_SSO": portal.endpoint}


def sts_asked(recorder: Recorder, name: str, what: str) -> None:
    """What the service that gives out a role's keys was asked."""
    forms = [parse_qs(asked(request)) for _, _, request in recorder.seen if "Action=" in asked(request)]
    wanted = {"RoleArn": ROLE, "RoleSessionName": SESSION}
    if name == "web identity":
        wanted |= {"Action": "AssumeRoleWithWebIdentity", "WebIdentityToken": WEB_TOKEN}
    else:
        wanted |= {"Action": "AssumeRole", "ExternalId": EXTERNAL_ID}
    found = [{key: form.get(key, [""])[0] for key in wanted} for form in forms]
    check(found and all(form == wanted for form in found), f"{what}: asked for as {', '.join(wanted)} say", found)


def asked(request: Request) -> str:
    """A form's text; objects have other methods than POST, or no `Action`."""
    return request.body[:4_096].decode("latin-1") if request.method == "POST" else ""


def keys_told(recorder: Recorder) -> list[tuple[str, str, str]]:
    """Access key, secret key and token of each answer that has them."""
    found = []
    for answer in (answer.decode("latin-1") for answer in recorder.answers):
        parts = [
            re.search(f"<{name}>([^<]+)</{name}>", answer)
            for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")
        ]
        if all(parts):
            found.append(tuple(part[1] for part in parts))
    return found


def used_keys(fields: dict[str, str]) -> tuple[str, str]:
    """With which keys a request was signed."""
    name = re.search(r"Credential=([^/]+)/", fields.get("authorization", ""))
    return (name[1] if name else "", fields.get("x-amz-security-token", ""))


def delivered(
    suite: Suite, watch: Watch, queues: Path, bucket: Bucket, environment: dict[str, str], options: tuple, what: str
) -> None:
    """Some lines arrive, while everything that can be logged is; nothing else is looked for in that."""
    program = watch.program(suite.path, {**environment, "RUST_LOG": "trace"})
    to = ("--to", bucket.url, "--local-directory", queues / bucket.prefix, "--id", "conformance")
    done = program.run("write", *to, *options, *ENDS, stdin=text.numbered(0, SMALL))
    ended_well(done, f"{what}: write ends well")
    check("TRACE" in done.stderr, f"{what}: everything is logged")
    _, problem = text.difference(bucket.read(), SMALL)
    check(not problem, f"{what}: all lines are there, once", problem)


def rotated(suite: Suite, watch: Watch, queues: Path, moto: amazon.Amazon) -> None:
    """The store takes only new keys while the source still gives out the old ones: entries wait; then they go on."""
    what, bucket, half = "rotated keys", Bucket(moto, "rotated"), 1_000
    with KeyServer("rotating", SHORT_SECONDS) as source, Recorder(moto.port, what) as recorder:
        valid = {source.of(0).access}
        recorder.proxy.refuse = lambda request: None if used_keys(headers(request.head))[0] in valid else EXPIRED
        for number in range(2):
            watch.secret(f"{what}, secret key {number}", source.of(number).secret)
            watch.secret(f"{what}, session token {number}", source.of(number).token)
        environment = {
            **moto.environment(), "AWS_ENDPOINT_URL": recorder.proxy.endpoint,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{source.endpoint}/container",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": source.container_token,
        }  # fmt: skip
        program, queue = watch.program(suite.path, environment), queues / "rotated"
        to = ("--to", bucket.url, "--local-directory", queue, "--id", "conformance", "--max-object-age", "200ms")
        with program.start_write(*to) as writer:
            writer.feed(text.blocks(0, half), close=False)
            writer.wait_for(lambda: writer.uploaded == half, f"{what}: the first half is uploaded")
            valid.clear()
            valid.add(source.of(1).access)
            writer.feed(text.blocks(half, 2 * half), close=False)
            told = writer.wait_for(lambda: "goes on by itself" in writer.stderr, f"{what}: it is told")
            named = "ExpiredToken" in writer.stderr and "renew the credentials" in writer.stderr
            check(told and named, f"{what}: the answer and what to do are told", writer.stderr)
            equal((writer.durable, writer.uploaded), (2 * half, half), f"{what}: the second half waits")
            equal(program.status(queue)["pending_entries"], half, f"{what}: status tells what waits")
            source.number = 1
            arrived = writer.wait_for(lambda: writer.uploaded == 2 * half, f"{what}: it goes on", 120)
            check(arrived, f"{what}: with the new keys it goes on by itself", writer.stderr)
            writer.close_input()
            equal(writer.wait(), 0, f"{what}: and ends well")
        equal(len(lines_said(writer.stderr)), 1, f"{what}: it was told once")
        check(len(source.asked) > 1, f"{what}: the source was asked again", source.asked)
    bucket.check_row(what)
    _, problem = text.difference(bucket.read(), 2 * half)
    check(not problem, f"{what}: everything is there, once, in order", problem)


def rewritten(suite: Suite, watch: Watch, queues: Path) -> None:
    """The keys in a profile's file are replaced while entries wait: no new start is needed."""
    what, bucket, file = "keys written anew", suite.bucket("rewritten"), suite.directory / "credentials-rewritten"
    profile = "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n"
    file.write_text(profile.format(ADMIN[0], "no-longer-the-secret-key"))
    base = {
        key: value for key, value in suite.server.environment().items() if not key.endswith(("KEY_ID", "ACCESS_KEY"))
    }
    program = watch.program(suite.path, {**base, "AWS_SHARED_CREDENTIALS_FILE": str(file)})
    to = ("--to", bucket.url, "--local-directory", queues / "rewritten", "--id", "conformance")
    with program.start_write(*to) as writer:
        writer.feed(text.blocks(0, SMALL), close=True)
        told = writer.wait_for(lambda: "check access key and secret key" in writer.stderr, f"{what}: it is told")
        check(told and writer.is_running(), f"{what}: the answer and what to do are told", writer.stderr)
        file.write_text(profile.format(*ADMIN))
        equal(writer.wait(), 0, f"{what}: with the new keys it goes on by itself, and ends well")
        equal(len(lines_said(writer.stderr)), 1, f"{what}: it was told once")
    _, problem = text.difference(bucket.read(), SMALL)
    check(not problem, f"{what}: all lines are there, once", problem)
