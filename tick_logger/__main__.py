"""`python -m tick_logger`."""

from __future__ import annotations

import sys

from tick_logger.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
