"""From payloads to messages: compiled decoders, over many payloads at once.

Invariant: whatever a venue sends, nothing but `UNDECODABLE` is raised by a decoder, and one payload
that cannot be decoded keeps no other from being decoded.  Not here: rows (`columns`), and the
fields of any venue's messages.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Annotated, TypeAlias, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from tick_logger.exchanges.base import VenueError
from tick_logger.exchanges.nesting import TOO_DEEP, is_too_deep

K = TypeVar("K", bound=Hashable)
M = TypeVar("M")
Frames: TypeAlias = npt.NDArray[np.int32]
"""Numbers of payloads within a decode call, one per message or row; they never decrease."""

Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""An id, sequence or time as int64; msgspec alone would take an integer of any length."""

UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""All that a compiled decoder raises over a payload.  Text that is no UTF-8 has an exception of its
own, which is no `MsgspecError`; so may have what nests too deeply, and is rejected before."""


_BLANKS = (b"null", b'""')
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode


def lenient(message: type[M]) -> Callable[[bytes | msgspec.Raw], M]:
    """A decoder of messages in which numbers may be sent as texts; raises `UNDECODABLE`."""
    return msgspec.json.Decoder(message, strict=False).decode


def decode_listing(decode: Callable[[bytes], M], body: bytes, name: str) -> M:
    """The answer to the request for a listing; raises `VenueError`, which names the request."""
    if is_too_deep(body):
        raise VenueError(f"{name}: {TOO_DEEP}")
    try:
        return decode(body)
    except UNDECODABLE as error:
        raise VenueError(f"{name}: {explained(error)}") from error


def decode_each(
    decode: Callable[[bytes | msgspec.Raw], M],
    frames: Sequence[int],
    payloads: Sequence[bytes | msgspec.Raw],
    failed: Callable[[int, Exception], M | None],
) -> tuple[Sequence[int], list[M]]:
    """The messages in the payloads, and the frame of each.

    `failed` is called with the frame of each payload that cannot be decoded, and the error; it may
    return a message to be taken in its place.  In the usual case no Python runs for each payload;
    only when one of them fails are they decoded one by one.
    """
    try:
        return frames, list(map(decode, payloads))
    except UNDECODABLE:
        pass
    kept: list[int] = []
    messages: list[M] = []
    for frame, payload in zip(frames, payloads, strict=True):
        message: M | None
        try:
            message = decode(payload)
        except UNDECODABLE as error:
            message = failed(frame, error)
        if message is not None:
            messages.append(message)
            kept.append(frame)
    return kept, messages


def members_of(text: bytes | msgspec.Raw) -> dict[str, bytes]:
    """The members of a JSON object, each as it is spelled; raises `UNDECODABLE`."""
    return {name: bytes(value) for name, value in _decode_members(text).items()}


def elements_of(text: bytes | msgspec.Raw) -> list[bytes]:
    """The elements of a JSON list, each as it is spelled; raises `UNDECODABLE`."""
    return [bytes(value) for value in _decode_elements(text)]


def object_of(members: Mapping[str, bytes]) -> bytes:
    """The JSON object with these members."""
    return msgspec.json.encode({name: msgspec.Raw(text) for name, text in members.items()})


def list_of(elements: Iterable[bytes]) -> bytes:
    """The JSON list of these elements."""
    return b"[" + b",".join(elements) + b"]"


def without_blanks(payload: bytes) -> bytes:
    """JSON without the members that are null or an empty text, which stand for no value.

    Everything else stays as it is spelled.  Raises `UNDECODABLE`.
    """
    if not any(blank in payload for blank in _BLANKS):
        return payload
    if payload.lstrip()[:1] == b"[":
        return list_of(map(without_blanks, elements_of(payload)))
    if payload.lstrip()[:1] != b"{":
        return payload
    members = members_of(payload).items()
    return object_of({name: without_blanks(v) for name, v in members if v not in _BLANKS})


def grouped(
    keys: Sequence[K], frames: Sequence[int], items: Sequence[M]
) -> list[tuple[K, Frames, list[M]]]:
    """Items put together by their key, each group with the frames of its items, in order."""
    if keys and keys.count(keys[0]) == len(keys):  # very common, and counting is all but free
        return [(keys[0], np.fromiter(frames, np.int32, len(frames)), list(items))]
    groups: dict[K, tuple[list[int], list[M]]] = {}
    for key, frame, item in zip(keys, frames, items, strict=True):
        group = groups.get(key)
        if group is None:
            group = groups[key] = ([], [])
        group[0].append(frame)
        group[1].append(item)
    return [(key, np.array(group[0], np.int32), group[1]) for key, group in groups.items()]


def explained(error: Exception) -> str:
    """Why a decoder did not take a payload, in words."""
    if isinstance(error, UnicodeDecodeError):
        return "text is not UTF-8"
    return str(error)
