"""What `verify` says of certificates."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from tick_logger.cli.arguments import load_config

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from tick_logger.archive.ledger import Ledger
    from tick_logger.archive.released import Released
    from tick_logger.verify.report import Report


def public_key(key: Path | None, config: Path | None) -> Ed25519PublicKey | None:
    """The key that certificates must be signed with, if one is named; raises `ConfigError`."""
    from tick_logger.archive.signing import load_public_key

    configured = load_config(config, None).archive.key_file if config is not None else ""
    path = configured if key is None else str(key)
    return load_public_key(path) if path else None


def ledger_of(directory: Path, config: Path | None) -> Path:
    """Where the archive's ledger is: below `local_path`, or the folder that `open` looks into.

    Raises `ConfigError`.
    """
    from tick_logger.archiving import ledger_root

    return Path(ledger_root(str(directory), load_config(config, None).archive))


def released_by(directory: Path, archive: Path) -> Released:
    """The days that were let go of, as the ledger says now; raises `OSError`, `StorageError`."""
    from tick_logger.archive.ledger import Ledger
    from tick_logger.archive.released import released_days
    from tick_logger.storage.disk_files import DiskFiles

    recorded = DiskFiles(str(directory), max_open=1)
    return released_days(recorded, Ledger(DiskFiles(str(archive), max_open=1)))


def _ledger_at(archive: Path) -> Ledger | None:
    """The ledger of an archive; None where there is none.  Raises `OSError`, `StorageError`."""
    from tick_logger.archive.keys import LEDGER
    from tick_logger.archive.ledger import Ledger
    from tick_logger.storage.disk_files import DiskFiles

    files = DiskFiles(str(archive), max_open=1)
    return Ledger(files) if files.exists(LEDGER) else None


def add_certificates(
    report: Report, directory: Path, public: Ed25519PublicKey | None, archive: Path
) -> None:
    """Add what is to be said of the certificates to a report; raises `OSError`.

    What the ledger of the archive says was released is no damage.  Beside a recorder they are
    looked at twice, and what is a fault both times is one.
    """
    from tick_logger.archive.verifying import Told, check_certificates
    from tick_logger.reader.opening import source_at
    from tick_logger.storage.disk_files import DiskFiles
    from tick_logger.verify.looks import WAIT_SECS
    from tick_logger.verify.report import Finding, Kind

    files = DiskFiles(str(directory), max_open=1)

    def look() -> list[Told]:
        released = released_by(directory, archive)
        ledger = _ledger_at(archive)
        return check_certificates(files, source_at(directory), public, released, ledger)

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
