"""Coinbase Exchange: products, as its REST interface and its status channel describe them."""

from __future__ import annotations

import msgspec

from tick_logger.exchanges.decode import decode_listing
from tick_logger.model.instruments import Instrument


class Product(msgspec.Struct, gc=False):
    """A product; other fields may come and go."""

    id: str
    base_currency: str = ""
    quote_currency: str = ""
    base_increment: str = ""
    quote_increment: str = ""
    status: str = ""

    def instrument(self) -> Instrument:
        """Active if its status is online."""
        return Instrument(
            self.id,
            self.base_currency,
            self.quote_currency,
            active=self.status == "online",
            tick_size=self.quote_increment,
            lot_size=self.base_increment,
        )


_decode_products = msgspec.json.Decoder(list[Product]).decode


def parse_products(body: bytes) -> tuple[Instrument, ...]:
    """The products of a REST listing; raises `VenueError` if it is none."""
    products = decode_listing(_decode_products, "products", body)
    return tuple(product.instrument() for product in products)
