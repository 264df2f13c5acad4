"""What `verify` says of certificates."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from tick_logger.cli.arguments import load_config

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from tick_logger.verify.report import Report


def public_key(key: Path | None, config: Path | None) -> Ed25519PublicKey | None:
    """The key that certificates must be signed with, if one is named; raises `ConfigError`."""
    from tick_logger.archive.signing import load_public_key

    configured = load_config(config, None).archive.key_file if config is not None else ""
    path = configured if key is None else str(key)
    return load_public_key(path) if path else None


def add_certificates(report: Report, directory: Path, public: Ed25519PublicKey | None) -> None:
    """Add what is to be said of the certificates to a report; raises `OSError`.

    Beside a recorder they are looked at twice, and what is a fault both times is one.
    """
    from tick_logger.archive.verifying import Told, check_certificates
    from tick_logger.reader.opening import source_at
    from tick_logger.storage.disk_files import DiskFiles
    from tick_logger.verify.looks import WAIT_SECS
    from tick_logger.verify.report import Finding, Kind

    files = DiskFiles(str(directory), max_open=1)

    def look() -> list[Told]:
        return check_certificates(files, source_at(directory), public)

    try:
        found = look()
        if report.live and any(each.is_fault for each in found):
            time.sleep(WAIT_SECS)
            again = set(look())
            found = [each for each in found if not each.is_fault or each in again]
    finally:
        files.close()
    for each in found:
        if each.is_fault:
            report.findings.append(Finding(each.path, Kind.CERTIFICATE, 1, detail=each.text))
        else:
            report.notes.append(f"{each.path}: {each.text}")
