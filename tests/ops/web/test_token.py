"""The token: what needs it, what opens it, and what does not."""

from __future__ import annotations

import pytest

from tests.ops.web.site import FILES, PATHS, site
from tests.ops.web.sockets import get, status_of


async def test_without_the_token() -> None:
    """Only health and the page, which says nothing by itself."""
    async with site("secret") as at:
        for path in ("/", "/health", *FILES):
            assert (await at.client.get(path)).status_code == 200, path
        for path in (*PATHS[2:], "/nothing", "/health/", "/page"):
            answer = await at.client.get(path)
            assert answer.status_code == 401, path
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json() == {"error": "a token is needed"}


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer secre", "Bearer secrets", "bearer secret", "secret", "\xff"],
)
async def test_a_wrong_token(header: str) -> None:
    """Is as none."""
    async with site("secret") as at:
        answer = await at.server.ask(get("/metrics", f"Authorization: {header}"))
    assert status_of(answer) == 401


@pytest.mark.parametrize("token", ["secret", "päss wörd"])
async def test_the_right_token(token: str) -> None:
    """Opens everything; beyond ASCII it is sent as UTF-8."""
    async with site(token) as at:
        header = {b"authorization": f"Bearer {token}".encode()}
        for path in PATHS[:-1]:
            assert (await at.client.get(path, headers=header)).status_code == 200, path
