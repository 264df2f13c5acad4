"""A tree of files in a bucket: keys are paths, and what lies between slashes is a folder.

obstore is imported when a bucket is opened.  Credentials come from the environment, under either
pair of names that people know; so do the region (`AWS_REGION`) and the endpoint of a server that is
not AWS (`AWS_ENDPOINT_URL`).

Only reads.  Sizes are taken from listings, as objects never change.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from tick_logger.archive.bucket import Address, Credentials, as_trouble, s3_store
from tick_logger.archive.object_store import StoreError, Trouble
from tick_logger.errors import ConfigError
from tick_logger.reader.errors import MissingExtraError
from tick_logger.storage.files import Names

if TYPE_CHECKING:
    from obstore.store import S3Store

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
USUAL_REGION = "us-east-1"


def bucket_tree(place: str, environ: Mapping[str, str]) -> BucketTree:
    """The objects at `bucket/prefix`.

    Raises `ValueError` for a name without a bucket, `PermissionError` without credentials, and
    `MissingExtraError` without obstore.
    """
    bucket, _, prefix = place.partition("/")
    url = f"s3://{place.rstrip('/')}"
    if not bucket:
        raise ValueError(f"{url} names no bucket: s3://bucket/prefix")
    try:
        importlib.import_module("obstore")
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "obstore is not installed: pip install obstore, or tick_logger[archive]"
        ) from error
    try:
        given = Credentials.of(environ)
    except ConfigError as error:
        reasons = "; ".join(f"{name} {reason}" for name, reason in error.problems)
        raise PermissionError(f"{url}: {reasons}") from None
    address = Address(
        bucket=bucket,
        region=_first(environ, REGIONS) or USUAL_REGION,
        endpoint=_first(environ, ENDPOINTS),
        prefix=prefix.strip("/"),
    )
    return BucketTree(url, s3_store(address, given, address.prefix))


class BucketTree:
    """What lies below a prefix; see `Tree`."""

    def __init__(self, name: str, store: S3Store) -> None:
        self._name = name
        self._store = store
        self._sizes: dict[str, int] = {}

    @property
    def name(self) -> str:
        """As it was named."""
        return self._name

    def size(self, path: str) -> int:
        """Length in bytes; 0 if there is no such object."""
        if path not in self._sizes:
            import obstore

            try:
                with _as_os_error(self._name, path):
                    self._sizes[path] = obstore.head(self._store, path)["size"]
            except FileNotFoundError:
                return 0
        return self._sizes[path]

    def exists(self, path: str) -> bool:
        """Whether there is such an object."""
        return self.size(path) > 0

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """A range of an object's bytes; see `Tree`."""
        import obstore

        stop = self.size(path) if length is None else min(self.size(path), offset + length)
        if stop <= offset:
            return b""
        with _as_os_error(self._name, path):
            return bytes(obstore.get_range(self._store, path, start=offset, end=stop))

    def list(self, folder: str = "") -> Names:
        """What is in a folder; see `Tree`."""
        import obstore

        with _as_os_error(self._name, folder):
            found = obstore.list_with_delimiter(self._store, f"{folder}/" if folder else None)
        for each in found["objects"]:
            self._sizes[each["path"]] = each["size"]
        folders = (f"{_last(each)}/" for each in found["common_prefixes"])
        return sorted([*(_last(each["path"]) for each in found["objects"]), *folders])


@contextlib.contextmanager
def _as_os_error(name: str, path: str) -> Iterator[None]:
    """What goes wrong, as it would on a disk."""
    try:
        with as_trouble(f"{name}/{path}"):
            yield
    except StoreError as error:
        if error.trouble in (Trouble.ABSENT, Trouble.NO_BUCKET):
            raise FileNotFoundError(str(error)) from error
        if error.trouble is Trouble.REFUSED:
            raise PermissionError(str(error)) from error
        raise OSError(str(error)) from error


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((environ[name] for name in names if environ.get(name)), "")
