"""From a host's name to whole frames: sockets, TLS, upgrade, frames.  Knows no exchange."""
