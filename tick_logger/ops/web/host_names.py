"""Which names a server is asked by: a page elsewhere may have its name point at this machine.

A browser then sends what its scripts ask to whatever listens on loopback, and lets them read the
answer, because they come from that name.  The request says which name it was, in `Host`.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address


class HostNames:
    """The names by which a server may be asked.

    Whoever listens on nothing but loopback is asked by names of loopback, or by those in `more`;
    whoever listens elsewhere too by any name, unless `more` names some.
    """

    def __init__(self, addresses: Iterable[str], more: Iterable[str] = ()) -> None:
        self._more = frozenset(map(_plain, more))
        self._any = not self._more and not all(map(_is_loopback, addresses))

    def admit(self, host: bytes | None) -> bool:
        """Whether a request with this header is for us; no browser leaves it out."""
        if self._any or host is None:
            return True
        name = _name_in(host.decode("latin-1"))
        return name in self._more or _is_loopback(name)


def _name_in(host: str) -> str:
    """The name in a header, without its port."""
    if host.startswith("["):
        return _plain(host[1:].partition("]")[0])
    return _plain(host.partition(":")[0])


def _plain(name: str) -> str:
    return name.strip().lower().removesuffix(".")


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
