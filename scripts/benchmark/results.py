"""What was measured: a table for people, and a file that a second call goes on with.

A result is kept by the name of its case, the commit and what was asked for; all three must be the
same for it to count as finished.  The file is replaced whole after each case.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import attrs

from scripts.benchmark.matrix import Case

Row = dict[str, Any]


def commit(root: Path) -> str:
    """The commit that is checked out, with "+" if files differ from it; "" if git can't tell."""
    try:
        at = _git(root, "rev-parse", "--short=12", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return ""
    return at + ("+" if changed else "")


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def key(case: Case, at: str) -> Row:
    """What a result is known by."""
    return {"case": case.name, "commit": at, "asked": attrs.asdict(case)}


class Finished:
    """The results in a file; without a name they are only kept in memory.

    Raises `SystemExit` if the file has something else in it.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path) if path else None
        self.rows: list[Row] = []
        if self._path is None or not self._path.exists():
            return
        try:
            self.rows = json.loads(self._path.read_text())
            assert isinstance(self.rows, list)
            assert all("case" in row for row in self.rows)
        except (ValueError, TypeError, AssertionError):
            raise SystemExit(f"{path} has no results in it; move it away") from None

    def of(self, case: Case, at: str) -> Row | None:
        """The result of a case, if there is one; nothing is known by a commit that has changes."""
        if not at or at.endswith("+"):
            return None
        wanted = key(case, at)
        return next((row for row in self.rows if wanted.items() <= row.items()), None)

    def add(self, row: Row) -> None:
        """Keep a result instead of one of the same case."""
        self.rows = [each for each in self.rows if each["case"] != row["case"]] + [row]
        if self._path is not None:
            new = self._path.with_name(self._path.name + ".new")
            new.write_text(json.dumps(self.rows, indent=2))
            os.replace(new, self._path)


COLUMNS = (
    ("us_per_message", "µs/message"), ("floor_us", "floor"), ("times_floor", "x floor"),
    ("compiled_floor_us", "compiled floor"), ("times_compiled_floor", "x compiled floor"),
    ("cryptofeed_us", "cryptofeed"), ("times_cryptofeed", "x cryptofeed"),
    ("get_message_loop_us", "get_message"), ("core_share_percent", "% of a core"),
    ("sent_per_sec", "sent/s"), ("delay_p50_secs", "p50 s"), ("delay_p99_secs", "p99 s"),
    ("peak_rss_mib", "RSS MiB"), ("compiled_floor_rss_mib", "its floor's"),
    ("cryptofeed_rss_mib", "cryptofeed's"), ("written_over_payload", "written/payload"),
    ("recv_p50_ms", "received p50 ms"), ("recv_p99_ms", "p99"), ("recv_least_ms", "least"),
    ("wake_ups_a_second", "wake-ups/s"), ("behind", "behind"), ("overflows", "overflows"),
    ("missing", "missing"), ("warm_up_cpu_secs", "warm-up CPU s"),
    ("unwatched_us", "unwatched"), ("change_percent", "change %"),
    ("change_least_percent", "least"), ("change_most_percent", "most"),
)  # fmt: skip
"""Of the table: key and title."""


def table(rows: list[Row]) -> str:
    """The results for people; a column that no row has is left out."""
    columns = [(key, title) for key, title in COLUMNS if any(key in row for row in rows)]
    lines = ["| case | " + " | ".join(title for _, title in columns) + " |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    for row in rows:
        cells = [f"{row[key]:,.2f}" if key in row else "" for key, _ in columns]
        lines.append(f"| {row['case']} | " + " | ".join(cells) + " |")
    told = [f"{row['case']}: peers skipped: {row['skipped']}" for row in rows if row.get("skipped")]
    return "\n".join([*lines, *told])
