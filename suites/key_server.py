"""Sources of temporary credentials: what a container and a machine of Amazon's have on a link-local address, and the portal of
single sign-on (<https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html>), on loopback.

Hands out keys that can be changed at any time, and keeps what it was asked. Knows these three protocols and nothing else.
"""

import datetime
import http.server
import json
import threading
from dataclasses import dataclass, field

ROLE = "suites-role"
FIRST_SECONDS = 3_600


@dataclass
class Keys:
    """One set of keys."""

    access: str
    secret: str
    token: str
    lives_seconds: float

    def encoded(self) -> dict[str, str]:
        """As both protocols have it, and as `credential_process` prints it but for the names."""
        ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self.lives_seconds)
        return {
            "AccessKeyId": self.access,
            "SecretAccessKey": self.secret,
            "Token": self.token,
            "Expiration": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
        }

    def of_portal(self) -> dict[str, dict[str, str | int]]:
        """As the portal of single sign-on has it."""
        ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self.lives_seconds)
        return {
            "roleCredentials": {
                "accessKeyId": self.access,
                "secretAccessKey": self.secret,
                "sessionToken": self.token,
                "expiration": int(ends.timestamp() * 1_000),
            }
        }


@dataclass
class KeyServer:
    """A listening source; gone at the end of `with`."""

    name: str
    lives_seconds: float = FIRST_SECONDS
    asked: list[str] = field(default_factory=list)
    container_token: str = "container-authorization-token"
    machine_token: str = "machine-metadata-session-token"
    portal_token: str = "single-sign-on-access-token"

    def __post_init__(self) -> None:
        self.number = 0
        source = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                source.asked.append(self.path)
                if self.path == "/container":
                    permitted = self.headers.get("Authorization") == source.container_token
                    return self.reply(200 if permitted else 401, json.dumps(source.keys.encoded()))
                if self.path.startswith("/federation/credentials?"):
                    permitted = self.headers.get("x-amz-sso_bearer_token") == source.portal_token
                    return self.reply(200 if permitted else 401, json.dumps(source.keys.of_portal()))
                if self.headers.get("x-aws-ec2-metadata-token") != source.machine_token:
                    return self.reply(401, "")
                match self.path.rstrip("/").rpartition("/"):
                    case (_, _, "security-credentials" | "security-credentials-extended"):
                        return self.reply(200, ROLE)
                    case (_, _, name) if name == ROLE:
                        times = {"LastUpdated": "2026-01-01T00:00:00Z", "Code": "Success", "Type": "AWS-HMAC"}
                        return self.reply(200, json.dumps({**times, **source.keys.encoded()}))
                return self.reply(404, "")

            def do_PUT(self) -> None:
                source.asked.append(self.path)
                self.reply(200 if self.path == "/latest/api/token" else 404, source.machine_token)

            def reply(self, status: int, body: str) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body.encode())))
                self.send_header("Content-Type", "application/json")
                self.send_header("x-aws-ec2-metadata-token-ttl-seconds", "21600")
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    def __enter__(self) -> "KeyServer":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def keys(self) -> Keys:
        """Those that are handed out now."""
        return self.of(self.number)

    def of(self, number: int) -> Keys:
        """Those of a number."""
        name = f"{self.name}-{number}"
        return Keys(f"ASIA{name.upper()}", f"secret-of-{name}-keys", f"token-of-{name}-keys", self.lives_seconds)
