"""By which names a server may be asked, so that no page elsewhere can read it through a browser."""

from __future__ import annotations

import pytest

from tests.ops.watched import Rig
from tests.ops.web.site import PATHS
from tests.ops.web.sockets import get, serving, status_of
from tick_logger.ops.web.host_names import HostNames
from tick_logger.ops.web.routes import application

LOOPBACK = [
    "localhost", "LOCALHOST", "localhost:9090", "localhost.", "x.localhost", "127.0.0.1",
    "127.0.0.1:9090", "127.8.9.1:80", "[::1]", "[::1]:9090", "[::ffff:127.0.0.1]:9090",
]  # fmt: skip
ELSEWHERE = [
    "evil.example", "evil.example:9090", "localhost.evil.example", "127.0.0.1.evil.example",
    "evillocalhost", "192.168.1.7", "0.0.0.0", "[::]", "[2001:db8::1]", "", "[", "a b", "127.1",
    "2130706433", "0x7f.1", "localhost@evil.example", "\xff",
]  # fmt: skip


@pytest.mark.parametrize("bound", ["127.0.0.1", "::1", "127.0.0.2"])
def test_who_listens_on_loopback(bound: str) -> None:
    """Knows its own names, and those that it is told."""
    names = HostNames([bound], ["ticks.example.org", "Other.Example."])
    for host in (*LOOPBACK, "ticks.example.org", "TICKS.example.org.:443", "other.example"):
        assert names.admit(host.encode("latin-1")), host
    for host in (*ELSEWHERE, "x.ticks.example.org"):
        assert not names.admit(host.encode("latin-1")), host
    assert names.admit(None)


@pytest.mark.parametrize(
    "bound", [["0.0.0.0"], ["::"], ["192.168.1.7"], ["127.0.0.1", "192.168.1.7"]]
)
def test_who_listens_elsewhere(bound: list[str]) -> None:
    """Cannot know its names; it may be told them."""
    for host in (*LOOPBACK, *ELSEWHERE):
        assert HostNames(bound).admit(host.encode("latin-1"))
    told = HostNames(bound, ["ticks.example.org"])
    assert told.admit(b"ticks.example.org:9090")
    assert told.admit(b"127.0.0.1")
    assert not told.admit(b"evil.example")


@pytest.mark.parametrize("token", ["", "secret"])
@pytest.mark.parametrize("path", PATHS)
async def test_every_path_is_refused_to_another_name(path: str, token: str) -> None:
    """Also health and the page; with a token too."""
    rig = Rig()
    surface = application(rig.watched(), rig.board(), token=token, names=HostNames(["127.0.0.1"]))
    async with serving(surface) as server:
        for host, refused in (("evil.example", True), ("localhost:1", False)):
            method = "HEAD" if path == "/api/events" else "GET"
            request = get(path, "Authorization: Bearer secret", method=method)
            answer = await server.ask(request.replace(b"Host: here", b"Host: " + host.encode()))
            assert (status_of(answer) == 421) is refused
            assert (b"http.host_names" in answer) is (refused and method == "GET")
