"""Asks a venue for its listing by REST: page after page, each in its turn.

Not here: what becomes of a listing, and whether it is believed (`net.venue`).
"""

from __future__ import annotations

from tick_logger.exchanges.base import Exchange, Listed, Odd, VenueError
from tick_logger.model.instruments import Instrument
from tick_logger.net.rest.client import RestClient

MOST_PAGES = 50
"""A longer listing is taken for a venue whose pages go round in circles."""


async def read_listing(exchange: Exchange, rest: RestClient) -> Listed:
    """All pages; the symbols of a missing page would seem delisted.

    Raises `ConnectionLost` and `VenueError`.
    """
    url: str | None = exchange.listing_url(rest.endpoint)
    found, odd = list[Instrument](), list[Odd]()
    for _ in range(MOST_PAGES):
        assert url is not None
        body = await rest.get(url, exchange.profile.listing_weight)
        page = exchange.read_listing(body)
        found += page.instruments
        odd += page.odd
        url = exchange.next_page(url, body)
        if url is None:
            return Listed(tuple(found), tuple(odd))
    raise VenueError(f"the listing has more than {MOST_PAGES} pages")
