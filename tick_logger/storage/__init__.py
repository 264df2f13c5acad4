"""From sorted rows to column files, and back for verification.  Blocking; no trio, no clock."""
