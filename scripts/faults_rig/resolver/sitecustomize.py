"""A resolver that can be switched off: Python imports this first in the recorder's process.

Names that end in `.faults.test` are this machine, as long as the file that FAULTS_RESOLVER_OFF
names is not there; while it is, asking for them fails as it does without a name server.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

_ASK = socket.getaddrinfo


def _answer(host: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as it is called
    name = host.decode() if isinstance(host, bytes) else str(host)
    flags = options.get("flags", arguments[4] if len(arguments) > 4 else 0)
    if not name.endswith(".faults.test") or flags & socket.AI_NUMERICHOST:
        return _ASK(host, *arguments, **options)
    if Path(os.environ["FAULTS_RESOLVER_OFF"]).exists():
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    return _ASK("127.0.0.1", *arguments, **options)


socket.getaddrinfo = _answer
