"""One file per exchange: pure adapters without I/O, clock or trio.  Imports `model` only."""
