"""tick_logger: a recorder of live crypto-market data."""

__version__ = "0.2.0"
