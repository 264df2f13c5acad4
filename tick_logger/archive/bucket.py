"""Objects in a bucket of S3, or of a server that speaks like it.

obstore is imported when a bucket is first used, and nowhere else.  An object is put so that nothing
is overwritten; one above `MOST_AT_ONCE_BYTES` goes in parts, which no server can do so, after a
look whether there is one: its key tells its content, so that two that race put the same.

Not here: when something is tried again after seconds or hours (`transfer`).
"""

from __future__ import annotations

import contextlib
import datetime
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from tick_logger.archive.ledger import Where
from tick_logger.archive.object_store import (
    MOST_AT_ONCE_BYTES,
    PIECE_BYTES,
    AlreadyThereError,
    Content,
    Found,
    StoreError,
    Trouble,
)
from tick_logger.errors import ConfigError

if TYPE_CHECKING:
    from obstore.store import S3Store

CONNECT_SECS = 5.0

PARTS_AT_ONCE = 4
"""Of a large object, 5 MiB each."""

SIGNED_SECS = 60
"""How long the one request that is signed by itself, to make the bucket, is good."""

NO_CONSTRAINT = "us-east-1"
"""The region in which a bucket is made without naming it."""

_KEY_NAMES = (
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    ("AWS_ACCESS_KEY", "AWS_SECRET_KEY"),
)

_CODE = re.compile(r"<Code>(\w+)</Code>")
_STATUS = re.compile(r"\bstatus code: (\d{3})\b")
"""What a server says is found where obstore quotes it: the words around it have addresses, keys and
durations, in which any number may occur."""

_BY_CODE = {
    "NoSuchBucket": Trouble.NO_BUCKET,
    "AccessDenied": Trouble.REFUSED,
    "InvalidAccessKeyId": Trouble.REFUSED,
    "SignatureDoesNotMatch": Trouble.REFUSED,
    "AuthorizationHeaderMalformed": Trouble.REFUSED,
    "ExpiredToken": Trouble.REFUSED,
    "InvalidToken": Trouble.REFUSED,
    "QuotaExceeded": Trouble.FULL,
    "XMinioStorageFull": Trouble.FULL,
    "InsufficientStorage": Trouble.FULL,
}

_BY_STATUS = {"401": Trouble.REFUSED, "403": Trouble.REFUSED, "507": Trouble.FULL}


@attrs.frozen
class Credentials:
    """A key and its secret; neither is ever shown."""

    key_id: str = attrs.field(repr=False)
    secret: str = attrs.field(repr=False)
    token: str = attrs.field(default="", repr=False)

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Credentials:
        """Those of the environment, under either pair of names; raises `ConfigError`."""
        for key_name, secret_name in _KEY_NAMES:
            key_id, secret = environ.get(key_name, ""), environ.get(secret_name, "")
            if key_id and secret:
                return cls(key_id, secret, environ.get("AWS_SESSION_TOKEN", ""))
            if key_id or secret:
                there, missing = (key_name, secret_name) if key_id else (secret_name, key_name)
                raise ConfigError([(missing, f"is not in the environment, though {there} is")])
        names = " and ".join(_KEY_NAMES[0]), " and ".join(_KEY_NAMES[1])
        reason = f"has no credentials: put {names[0]} into the environment (or {names[1]})"
        raise ConfigError([("archive.s3", reason)])


@attrs.frozen(kw_only=True)
class Address:
    """Where the bucket is; an empty `endpoint` is that of AWS, and `prefix` may be empty."""

    bucket: str
    region: str
    endpoint: str = ""
    prefix: str = ""


@attrs.frozen(kw_only=True)
class Patience:
    """With one request, which is a part, or an object of `MOST_AT_ONCE_BYTES`, at a megabyte a
    second; and with obstore's own retries of it, for a server that is busy for a moment: what takes
    longer than these is a matter of minutes, and tried again then."""

    request_secs: float = 60.0
    retries: int = 2
    retry_secs: float = 10.0


class Bucket:
    """Objects in one bucket, below a prefix."""

    def __init__(
        self, address: Address, credentials: Credentials, patience: Patience | None = None
    ) -> None:
        self._address = address
        self._credentials = credentials
        self._patience = patience or Patience()
        self._opened: S3Store | None = None

    @property
    def where(self) -> Where:
        """In the bucket."""
        return Where.BUCKET

    def prepare(self) -> None:
        """Make the bucket if there is none; see `ObjectStore`."""
        import obstore

        try:
            with as_trouble("the bucket"):
                next(iter(obstore.list(self._store, chunk_size=1)), None)
        except StoreError as error:
            if error.trouble not in (Trouble.ABSENT, Trouble.NO_BUCKET):
                raise
            self._make()

    def put(self, key: str, content: Content, sha256: str, *, replace: bool = False) -> None:
        """Keep an object; see `ObjectStore`."""
        import obstore

        size = content.size
        whole = size <= MOST_AT_ONCE_BYTES
        if not whole and not replace and self.head(key) is not None:
            raise AlreadyThereError(key)
        with as_trouble(key):
            obstore.put(
                self._store,
                key,
                b"".join(content.pieces()) if whole else content.pieces(),
                attributes={"sha256": sha256},
                mode="create" if whole and not replace else "overwrite",
                use_multipart=not whole,
                max_concurrency=PARTS_AT_ONCE,
            )

    def read(self, key: str) -> Iterator[bytes]:
        """The bytes of an object; see `ObjectStore`."""
        import obstore

        with as_trouble(key):
            for piece in obstore.get(self._store, key).stream(min_chunk_size=PIECE_BYTES):
                yield bytes(piece)

    def head(self, key: str) -> Found | None:
        """What is known of an object; see `ObjectStore`."""
        import obstore

        try:
            with as_trouble(key):
                # Only this tells what was given with it, and nothing is read of what it offers.
                found = obstore.get(self._store, key, options={"head": True})
        except StoreError as error:
            if error.trouble is Trouble.ABSENT:
                return None
            raise
        return Found(key, found.meta["size"], str(found.attributes.get("sha256", "")))

    def list(self, prefix: str) -> Iterator[Found]:
        """The objects of this beginning; see `ObjectStore`."""
        import obstore

        folder = prefix.rpartition("/")[0]
        found = []
        with as_trouble(prefix):
            for some in obstore.list(self._store, folder or None):
                found += [Found(each["path"], each["size"]) for each in some]
        yield from sorted((each for each in found if each.key.startswith(prefix)), key=_key)

    @property
    def _store(self) -> S3Store:
        if self._opened is None:
            self._opened = self._open(self._address.prefix)
        return self._opened

    def _open(self, prefix: str) -> S3Store:
        return s3_store(self._address, self._credentials, prefix, self._patience)

    def _make(self) -> None:
        """Make the bucket; somebody else may have done so meanwhile."""
        import obstore

        region = self._address.region
        body = b""
        if region != NO_CONSTRAINT:
            body = (
                '<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                f"<LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
            ).encode()
        expires = datetime.timedelta(seconds=SIGNED_SECS)
        url = obstore.sign(self._open(""), "PUT", "", expires)
        request = urllib.request.Request(url, body, method="PUT")
        try:
            timeout = min(CONNECT_SECS * 2, self._patience.request_secs)
            with urllib.request.urlopen(request, timeout=timeout):
                return
        except urllib.error.HTTPError as error:
            with error:
                words = error.read().decode(errors="replace")
            if "BucketAlreadyOwnedByYou" in words:
                return
            said = _CODE.search(words)
            why = f"{error.code} {said[1] if said else error.reason}"
        except OSError as error:
            why = str(error)
        raise StoreError(Trouble.NO_BUCKET, f"the bucket is not there, and cannot be made: {why}")


def s3_store(
    address: Address, given: Credentials, prefix: str, patience: Patience | None = None
) -> S3Store:
    """What obstore makes of an address, with its objects below a prefix."""
    from obstore.store import S3Store

    patience = patience or Patience()
    more: dict[str, Any] = {}
    if address.endpoint:
        more["endpoint"] = address.endpoint
    if given.token:
        more["session_token"] = given.token
    return S3Store(
        address.bucket,
        prefix=prefix or None,
        region=address.region,
        access_key_id=given.key_id,
        secret_access_key=given.secret,
        virtual_hosted_style_request=not address.endpoint,
        client_options={
            "allow_http": True,
            "connect_timeout": f"{CONNECT_SECS:g}s",
            "timeout": f"{patience.request_secs:g}s",
        },
        retry_config={
            "max_retries": patience.retries,
            "retry_timeout": datetime.timedelta(seconds=patience.retry_secs),
        },
        **more,
    )


@contextlib.contextmanager
def as_trouble(what: str) -> Iterator[None]:
    """Tell what obstore raises in the words of the port."""
    from obstore import exceptions

    try:
        yield
    except exceptions.AlreadyExistsError as error:
        raise AlreadyThereError(what) from error
    except (exceptions.BaseError, OSError) as error:
        words = str(error)
        raise StoreError(_trouble(error, words), f"{what}: {_short(words)}") from error


def _trouble(error: Exception, words: str) -> Trouble:
    from obstore import exceptions

    for pattern, troubles in ((_CODE, _BY_CODE), (_STATUS, _BY_STATUS)):
        said = pattern.search(words)
        if said and said[1] in troubles:
            return troubles[said[1]]
    if isinstance(error, exceptions.NotFoundError | FileNotFoundError):
        return Trouble.ABSENT
    refused = (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError)
    return Trouble.REFUSED if isinstance(error, refused) else Trouble.UNREACHABLE


def _short(words: str) -> str:
    """The first line: what follows is meant for who writes obstore."""
    return words.strip().partition("\n")[0][:300]


def _key(found: Found) -> str:
    return found.key
