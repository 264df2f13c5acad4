"""Asks the recorder in the same container whether it is ready; exit code 0 if it says so, else 1.

Only the standard library, because the image has neither curl nor wget.  The address and the token
are those that the recorder reads from the environment.
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request

PREFIX = "TICK_LOGGER__HTTP__"
TIMEOUT_SECS = 4.0  # below the timeout of the health check itself, so that the reason is said


def main() -> int:
    """The exit code; the reasons of the recorder go to standard output, where Docker keeps them."""
    port = os.environ.get(PREFIX + "PORT") or os.environ.get("METRICS_PORT") or "9090"
    token = os.environ.get(PREFIX + "TOKEN", "")
    request = urllib.request.Request(f"http://127.0.0.1:{port}/ready")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never by a proxy
    try:
        with opener.open(request, timeout=TIMEOUT_SECS) as answer:
            return 0 if answer.status == 200 else 1
    except urllib.error.HTTPError as refusal:
        sys.stdout.write(refusal.read(1000).decode(errors="replace") + "\n")
    except OSError as failure:
        sys.stdout.write(f"no answer: {failure}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
