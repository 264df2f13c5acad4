"""The books of a simulated market as it keeps them: what its messages must add up to."""

from __future__ import annotations

from decimal import Decimal

from tick_logger.simulator.listing import Listing


def levels(listing: Listing, *, bids: bool) -> dict[Decimal, Decimal]:
    """Sizes by price of one side."""
    return {
        Decimal(listing.spec.price(ticks)): Decimal(listing.spec.size(lots))
        for ticks, lots in listing.book.side(bids).items()
    }
