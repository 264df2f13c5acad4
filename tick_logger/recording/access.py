"""Gives the files of exchanges to the groups that the configuration names, at a start.

Files that come later follow by themselves (`storage.granting`).  The journal holds all exchanges,
and is left as it is; where everybody may read it, that is said.
"""

from __future__ import annotations

import grp
import os
from collections.abc import Callable, Mapping
from functools import partial

from tick_logger.config.schema import Config, ExchangeConfig
from tick_logger.errors import ConfigError, words_of
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.granting import grant
from tick_logger.storage.journal_layout import JOURNAL_FOLDER
from tick_logger.telemetry.logs import get_logger

FOR_EVERYBODY = "0644"


def giving(config: Config) -> Callable[[], None] | None:
    """What gives access as this configuration wants it, if it wants any."""
    if any(each.file_group or each.file_mode for each in config.exchanges.values()):
        return partial(give_access, config.logger.data_path, config.exchanges)
    return None


def give_access(data_path: str, exchanges: Mapping[str, ExchangeConfig]) -> None:
    """Let files of each exchange have the group and mode of its section; takes long only once.

    Raises `ConfigError` where the system does not allow that.
    """
    log, restricted = get_logger(), list[str]()
    for name, exchange in exchanges.items():
        if not (exchange.file_group or exchange.file_mode):
            continue
        files = DiskFiles(data_path, max_open=1)
        try:
            gid = grp.getgrnam(exchange.file_group).gr_gid if exchange.file_group else None
            mode = int(exchange.file_mode, 8) if exchange.file_mode else None
            changed = grant(data_path, name, gid, mode, files.sync)
        except (OSError, KeyError) as error:
            key = "file_group" if exchange.file_group else "file_mode"
            why = words_of(error) if isinstance(error, OSError) else "there is no such group"
            raise ConfigError([(f"exchanges.{name}.{key}", f"cannot be given: {why}")]) from None
        finally:
            files.close()
        if changed:
            told = {"group": exchange.file_group, "mode": exchange.file_mode, "changed": changed}
            log.info("access_given", exchange=name, **told)
        if exchange.file_mode != FOR_EVERYBODY:
            restricted.append(name)
    if restricted and _everybody_may_enter(f"{data_path}/{JOURNAL_FOLDER}"):
        log.warning(
            "journal_open_to_all",
            exchanges=restricted,
            explanation="it holds what these exchanges sent; chmod o-rwx takes it away from others",
        )


def _everybody_may_enter(folder: str) -> bool:
    try:
        return bool(os.stat(folder).st_mode & 0o001)
    except FileNotFoundError:
        return False
