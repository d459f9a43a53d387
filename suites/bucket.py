"""The bucket as somebody sees it who has boto3 and the documented form of the objects' names, and nothing of ours."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from checks import check, equal

# docs/DESIGN.md, objects: [<shard>/]<directory>/<id>-<incarnation>-<number>-<first>-<run>[.<entries>.recovered].journal[.<suffix>]
NAME = re.compile(
    r"(?P<id>[A-Za-z0-9._-]+)-(?P<incarnation>\d{8}T\d{6}Z[0-9a-f]{8})-(?P<number>\d{8,})-(?P<first>\d{12,})"
    r"-(?P<run>[0-9a-f]{8})(\.(?P<entries>\d{12,})\.recovered)?\.journal(\.(?P<suffix>.+))?"
)
CHUNK_BYTES = 1 << 20


@dataclass
class Stored:
    """An object."""

    key: str
    size: int
    etag: str
    number: int
    first: int
    incarnation: str

    @property
    def parts(self) -> int:
        """In how many parts it went up; 0: in one piece."""
        return int(self.etag.rpartition("-")[2]) if "-" in self.etag else 0


class Bucket:
    """One prefix of the bucket."""

    def __init__(self, server, prefix: str):
        self.client, self.name, self.prefix = server.client(), server.bucket, prefix

    @property
    def url(self) -> str:
        return f"s3://{self.name}/{self.prefix}"

    def objects(self) -> list[Stored]:
        """All objects, in the order of their numbers."""
        found = []
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=f"{self.prefix}/")
        for item in (item for page in pages for item in page.get("Contents", [])):
            name = NAME.fullmatch(item["Key"].rpartition("/")[2])
            if name is None:
                raise ValueError(f"no object of the journal has such a name: {item['Key']}")
            found.append(
                Stored(
                    item["Key"],
                    item["Size"],
                    item["ETag"].strip('"'),
                    int(name["number"]),
                    int(name["first"]),
                    name["incarnation"],
                )  # fmt: skip
            )
        return sorted(found, key=lambda stored: (stored.incarnation, stored.number, stored.key))

    def read(self) -> Iterator[bytes]:
        """The bytes of all objects, one after the other."""
        for stored in self.objects():
            yield from self.client.get_object(Bucket=self.name, Key=stored.key)["Body"].iter_chunks(CHUNK_BYTES)

    def download(self, directory: Path) -> list[Path]:
        """All objects as files that are named by their numbers; the files, in order."""
        directory.mkdir(parents=True)
        paths = []
        for stored in self.objects():
            path = directory / f"{stored.number:08d}.{stored.key.rpartition('.')[2]}"
            self.client.download_file(self.name, stored.key, str(path))
            paths.append(path)
        return paths

    def open_uploads(self) -> list[str]:
        """Keys of the multipart uploads that are neither completed nor aborted."""
        answer = self.client.list_multipart_uploads(Bucket=self.name, Prefix=f"{self.prefix}/")
        return [upload["Key"] for upload in answer.get("Uploads", [])]

    def arrived_bytes(self) -> int:
        """The bytes of the objects and of the parts of open uploads."""
        arrived = sum(stored.size for stored in self.objects())
        answer = self.client.list_multipart_uploads(Bucket=self.name, Prefix=f"{self.prefix}/")
        for upload in answer.get("Uploads", []):
            try:
                parts = self.client.list_parts(Bucket=self.name, Key=upload["Key"], UploadId=upload["UploadId"])
            except self.client.exceptions.NoSuchUpload:
                # It was completed meanwhile.
                continue
            arrived += sum(part["Size"] for part in parts.get("Parts", []))
        return arrived

    def check_row(self, what: str) -> list[Stored]:
        """Checks the names: one incarnation, each number once from 0 on, and no upload left open."""
        objects = self.objects()
        equal(len({stored.incarnation for stored in objects}), 1, f"{what}: all objects are of one incarnation")
        equal([stored.number for stored in objects], list(range(len(objects))), f"{what}: each number is there once")
        uploads = self.open_uploads()
        check(not uploads, f"{what}: no multipart upload is left open", uploads)
        return objects
