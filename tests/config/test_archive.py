"""The section `[archive]`: what is refused and why, where it may come from, how it is printed."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from tests.config.given import VENUES, problems_of
from tick_logger.config.load import load
from tick_logger.config.printing import render
from tick_logger.config.schema import BucketConfig, Config
from tick_logger.reload import difference

GOOD = """
[archive]
mode = "both"
keep_days = 7
[archive.s3]
bucket = "ticks"
prefix = "all/of-it"
endpoint = "http://127.0.0.1:9000"
"""


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ("mode = 's4'", "archive.mode", "must be one of off, local, s3, both"),
        ("local_path = ''", "archive.local_path", "must not be empty"),
        ("server_name = 'a/b'", "archive.server_name", "must be 1 to 64 letters"),
        ("raw = 1", "archive.raw", "must be true or false"),
        ("rotate_secs = 59", "archive.rotate_secs", "must be between 60 and 86400 seconds"),
        ("rotate_mib = 0", "archive.rotate_mib", "must be between 1 and 65536 MiB"),
        ("keep_days = -1", "archive.keep_days", "must be between 0 and 36500 days"),
        ("layout = 'flat'", "archive.layout", "must be one of hive, source"),
        ("key_file = '/nowhere/key'", "archive.key_file", "there is no file"),
        ("buckets = 1", "archive.buckets", "unknown key"),
        ("bucket = 'b'", "archive.bucket", "is unknown here; it belongs under [archive.s3]"),
        ("mode = 's3'", "archive.s3.bucket", 'is empty, and mode "s3" keeps objects in a bucket'),
        ("mode = 'both'", "archive.s3.bucket", 'is empty, and mode "both" keeps'),
        ("keep_days = 3", "archive.keep_days", "3 days cannot be kept to: mode is off"),
        ("mode = 'local'\nraw = false\ntables = false", "archive.mode", "has nothing to keep"),
        ("mode = 'local'\ntables = false\nkeep_days = 2", "archive.keep_days", "without tables"),
        ("[archive.s3]\nbucket = 'A'", "archive.s3.bucket", "is no name of a bucket"),
        ("[archive.s3]\nprefix = '/a'", "archive.s3.prefix", "must be names with a /"),
        ("[archive.s3]\nprefix = 'a/../b'", "archive.s3.prefix", "must be names with a /"),
        ("[archive.s3]\nendpoint = 'ftp://x'", "archive.s3.endpoint", "must begin with http://"),
        ("[archive.s3]\nendpoint = 'http://u:p@x'", "archive.s3.endpoint", "credentials"),
        ("[archive.s3]\nattempts = 0", "archive.s3.attempts", "must be between 1 and 100"),
        ("[archive.s3]\nconcurrency = 65", "archive.s3.concurrency", "between 1 and 64"),
        ("[archive.s3]\nretry_max_secs = 0.5", "archive.s3.retry_initial_secs", "1 is more than"),
        ("[archive.s3]\nsecret = 'x'", "archive.s3.secret", "unknown key"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, path: str, reason: str) -> None:
    """One reason, at its key."""
    ((where, why),) = problems_of(tmp_path / "c.toml", f"[archive]\n{text}\n")
    assert where == path
    assert reason in why


def test_a_good_one_loads_prints_and_loads_again(tmp_path: Path) -> None:
    """With its inner section, and every key."""
    file = tmp_path / "c.toml"
    file.write_text(GOOD)
    config = load(file, {}, VENUES)
    bucket = BucketConfig(bucket="ticks", prefix="all/of-it", endpoint="http://127.0.0.1:9000")
    assert (config.archive.mode, config.archive.keep_days) == ("both", 7)
    assert config.archive.s3 == bucket
    file.write_text(render(config))
    assert load(file, {}, VENUES) == config


def test_the_environment_overrides_it() -> None:
    """The inner section too."""
    environ = {"TICK_LOGGER__ARCHIVE__MODE": "s3", "TICK_LOGGER__ARCHIVE__S3__BUCKET": "ticks"}
    archive = load(None, environ, VENUES).archive
    assert (archive.mode, archive.s3.bucket) == ("s3", "ticks")


def test_it_needs_a_restart() -> None:
    """What it has begun to keep goes on where it began."""
    old = Config()
    archive = attrs.evolve(old.archive, mode="local", s3=BucketConfig(bucket="ticks"))
    found = difference(old, attrs.evolve(old, archive=archive))
    assert (found.live, found.needs_restart) == ((), ("archive.mode", "archive.s3"))
