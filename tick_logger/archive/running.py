"""Runs a job, wherever it is called: in a process of its own, or inline.

Not here: which process (`worker`), and what a job does (`typed`, `raw`,
`source_layout`).
"""

from __future__ import annotations

import contextlib
import os

from tick_logger.archive import raw, source_layout, typed
from tick_logger.archive.jobs import Job, Result, TableJob
from tick_logger.archive.keys import SOURCE
from tick_logger.archive.rederived import Rederived
from tick_logger.reader.opening import source_at
from tick_logger.storage.disk_files import DiskFiles


def run_job(job: Job) -> Result:
    """Write the objects of a job.

    Raises `AbandonedError` as soon as the process that wanted it is gone: the next one may be
    packing the same.  Raises `OSError`, and `StorageError` where what is to be packed is not there.
    """
    parent = os.getppid()

    def is_wanted() -> bool:
        return os.getppid() == parent

    with contextlib.closing(DiskFiles(job.folders.local_path)) as files:
        source = source_at(job.folders.data_path)
        if isinstance(job, TableJob):
            rederived = Rederived(job.folders, is_wanted)
            return typed.pack(job, source, files, is_wanted, rederived.source)
        with contextlib.closing(DiskFiles(job.folders.data_path)) as journal:
            if job.layout == SOURCE:
                return source_layout.pack(job, source, journal, files, is_wanted)
            return raw.pack(job, journal, files, is_wanted)
