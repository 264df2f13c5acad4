"""Puts together what seals and certifies the days of one run.

Not here: what that does (`archive.sealer`).
"""

from __future__ import annotations

import platform
from collections.abc import Callable

from tick_logger.archive.certificate import Certificate
from tick_logger.archive.certifying import Place, Told
from tick_logger.archive.sealer import Sealer
from tick_logger.archive.signing import load_key
from tick_logger.archive.summary import summary_of
from tick_logger.config.schema import Config
from tick_logger.offload import Offload, ThreadOffload
from tick_logger.reader.column_files import ColumnFiles
from tick_logger.reader.places import OwnPlaces
from tick_logger.reader.source import Source
from tick_logger.reader.tree import DiskTree, FilesTree, Tree
from tick_logger.recording.resources import Resources
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.files import Files
from tick_logger.version import __version__

STILL_ASKED = "the exchange is still asked for trades that were missed"
"""Why a day is pending."""


def sealer_of(
    config: Config,
    resources: Resources,
    files: Files | None,
    offload: Offload | None,
    is_asking: Callable[[str, int], bool],
) -> Sealer:
    """Who does that; files and threads that are given are used instead of own ones.

    `is_asking` says whether an exchange is still asked for trades of a day.  Raises `ConfigError`
    if the key cannot be used.
    """

    def certified(exchange: str, day: int, certificate: Certificate) -> None:
        if exchange in config.exchanges:
            summary = summary_of(certificate)
            metrics = resources.metrics.exchange(exchange)
            metrics.sealed(day, summary.coverage, summary.condition)

    return Sealer(
        place_of(config, files),
        resources.seals,
        clock=resources.clock,
        offload=offload or ThreadOffload(),
        seal_after_secs=config.archive.seal_after_secs,
        told=lambda *which: Told(pending=(STILL_ASKED,) if is_asking(*which) else ()),
        certified=certified,
    )


def place_of(config: Config, files: Files | None = None) -> Place:
    """Where days are certified; files that are given are used instead of own ones.

    Raises `ConfigError` if the key cannot be used.
    """
    path, key_file = config.logger.data_path, config.archive.key_file
    tree: Tree = DiskTree(path) if files is None else FilesTree(path, files)

    def source() -> Source:
        return ColumnFiles(tree, OwnPlaces(tree))

    return Place(
        files=files or DiskFiles(path, max_open=1),
        source=source,
        collector=platform.node() or "unknown",
        version=__version__,
        key=load_key(key_file) if key_file else None,
    )
