"""The log of everything that came in: written once, read again by recovery.  Blocking; no trio."""
