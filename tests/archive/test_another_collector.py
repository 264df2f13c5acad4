"""What operators of another collector are used to holds here: each demand, and where it is tried.

The names of the environment and a whole run are tried here, as an operator would: the program, an
S3 server and the files are real.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pyarrow.parquet as pq
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from tests.archive.kept import sha
from tests.archive.s3_servers import bucket, server
from tests.documents import ROOT, rows, section
from tests.upgrade.fixture import load
from tick_logger.archive.archiver import PACK_SECS, SEND_SECS
from tick_logger.cli.main import main
from tick_logger.config.schema import ArchiveConfig, BucketConfig, Config, HttpConfig, LoggerConfig
from tick_logger.telemetry.metrics import Metrics

HERE = "tests/archive/test_another_collector.py"
ARCHIVER = "tests/archive/test_archiver.py"
ENVIRONMENT = "tests/config/test_environment.py"

TRIED = {
    "where objects are kept: here, in a bucket, or both": [
        (ARCHIVER, "test_here_nothing_stays_that_is_to_be_in_the_bucket_alone"),
        ("tests/service/test_archive.py", "test_a_certified_day_lies_in_the_bucket_byte_by_byte"),
    ],
    "objects are written elsewhere first, and appear whole": [
        ("tests/archive/test_worker.py",
         "test_a_worker_that_is_killed_while_it_writes_leaves_nothing_half"),
    ],
    "bucket, region and server name": [
        (HERE, "test_an_operators_run"), (ENVIRONMENT, "test_short_names"),
    ],
    "credentials under either pair of names": [
        ("tests/archive/test_object_store.py", "test_credentials_have_two_pairs_of_names"),
    ],
    "a bucket that is missing is made": [
        ("tests/archive/test_object_store.py", "test_a_bucket_is_made_if_it_is_missing"),
    ],
    "path and columns, the same key here and there": [
        (HERE, "test_an_operators_run"),
        ("tests/archive/test_source_layout.py",
         "test_messages_of_a_recording_by_symbol_and_kind"),
    ],
    "rotation by age and by size": [
        ("tests/archive/test_raw.py", "test_jobs_are_of_closed_segments"),
        ("tests/archive/test_raw.py", "test_large_objects_are_rotated"),
    ],
    "one object for each exchange, symbol and kind a rotation; bounded memory": [
        (HERE, "test_an_operators_run"),
        ("tests/archive/test_worker.py", "test_memory_does_not_grow_with_the_day"),
    ],
    "a first cycle at the start, and an interval of 60 to 86400 seconds": [
        (ARCHIVER, "test_what_lasts_a_day_costs_nothing_and_is_told_each_hour"),
        (ENVIRONMENT, "test_wrong_values_of_short_names"),
    ],
    "five attempts, with waits that grow to 30 seconds": [
        (HERE, "test_the_defaults"),
        ("tests/archive/test_transfer.py", "test_waits_grow_to_their_bound"),
    ],
    "nothing is let go of that was not found to be there": [
        ("tests/archive/test_s3_faults.py",
         "test_what_befalls_some_requests_is_over_by_the_next_cycle"),
        ("tests/archive/test_retention.py", "test_what_keeps_a_day_and_all_behind_it"),
    ],
    "what was found to be wrong is not sent under another name": [
        ("tests/archive/test_transfer.py",
         "test_what_is_spoilt_is_noticed_and_put_anew_when_asked"),
        (ARCHIVER, "test_what_passes_is_over_within_the_cycle"),
    ],
    "what is removed is exactly what was archived": [
        ("tests/archive/test_retention.py", "test_rows_that_came_since_are_no_hindrance_and_stay"),
        ("tests/archive/test_retention.py",
         "test_whenever_it_ends_nothing_is_lost_and_it_is_finished"),
    ],
    "sending keeps nobody from receiving": [
        (ARCHIVER, "test_the_event_loop_never_goes_through_the_ledger"),
        ("tests/archive/test_recorder_killed.py",
         "test_a_recorder_that_archives_is_killed_at_each_step"),
    ],
    "a stop sends the rest, in its own time": [
        (HERE, "test_the_defaults"),
        (ARCHIVER, "test_the_end_sends_the_rest_and_takes_no_longer_than_it_may"),
    ],
    "what was not sent survives a crash, and is sent later": [
        ("tests/archive/test_recorder_killed.py",
         "test_a_recorder_that_archives_is_killed_at_each_step"),
        ("tests/archive/test_keeping_killed.py", "test_the_program_is_killed"),
    ],
    "log files go by age, at a start and each day": [
        ("tests/telemetry/test_logs.py",
         "test_a_start_removes_the_files_of_days_that_are_old_enough"),
        ("tests/telemetry/test_logs.py", "test_the_file_of_each_day_is_kept_for_so_many_days"),
    ],
    "CONFIG_PATH": [
        ("tests/cli/test_config_path.py", "test_the_environment_names_the_file_of_each_command"),
    ],
    "METRICS_PORT, LOG_RETENTION_DAYS, HOME_SERVER_NAME, BUCKET_NAME, ARCHIVE_INTERVAL_SECS": [
        (ENVIRONMENT, "test_short_names"),
        ("tests/operating/test_environment.py", "test_each_variable_that_is_read_has_its_place"),
    ],
    "COINBASE_API_KEY and its secret": [
        ("tests/net/wire/test_signing.py", "test_"),
    ],
    "metrics by their names": [
        (HERE, "test_metrics_have_their_names"),
        ("tests/operating/test_exported_names.py",
         "test_each_number_of_the_archive_is_on_a_panel_and_explained"),
    ],
}  # fmt: skip
"""By demand: the file, and the test in it."""

METRICS = (
    "parquet_rows_written_total", "parquet_rows_buffered",
    'parquet_files_rotated_total{exchange="okx",symbol="all"}', "parquet_write_errors_total",
    "upload_queue_depth", "s3_upload_duration_seconds_bucket",
    's3_uploads_completed_total{exchange="okx",symbol="all"}',
    's3_upload_errors_total{exchange="okx",symbol="all"}', "s3_upload_retries_total",
)  # fmt: skip
COLUMNS = {
    "exchange": "string", "symbol": "string", "exchange_sequence_id": "string",
    "timestamp_collector": "int64", "timestamp_exchange": "int64", "data": "string",
}  # fmt: skip
KEY = re.compile(
    r"(?P<exchange>\w+)/(?P<symbol>[^/]+)/(?P<kind>orderbook|trade|ticker|quote)/home/"
    r"(?P<date>\d{4}-\d\d-\d\d)/(?P<ms>\d{13})\.parquet"
)


@pytest.mark.parametrize("demand", TRIED)
def test_each_demand_is_tried(demand: str) -> None:
    """By a test that there is."""
    for path, name in TRIED[demand]:
        assert re.search(rf"(?m)^(async )?def {name}", (ROOT / path).read_text()), (path, name)


def test_each_setting_has_its_place() -> None:
    """What the page for operators names is a key, and one that is printed as it is written."""
    page = (ROOT / "config/README.md").read_text()
    known = {
        f"{name}.{key.name}"
        for name, kind in (
            ("logger", LoggerConfig), ("http", HttpConfig), ("archive", ArchiveConfig),
            ("archive.s3", BucketConfig),
        )
        for key in kind.__attrs_attrs__
    }  # fmt: skip
    settings = list(rows(section(page, "### Archive settings of another collector")))
    assert len(settings) == 14
    for _, here, _ in settings:
        for key in re.findall(r"`([a-z_.0-9]+)", here):
            assert key in known, key


def test_the_defaults() -> None:
    """Five attempts, from 1 to 30 seconds; an hour and 500 MB; 30 and 60 seconds at the end."""
    archive = Config().archive
    store = archive.s3
    assert (store.attempts, store.retry_initial_secs, store.retry_max_secs) == (5, 1.0, 30.0)
    assert (archive.rotate_secs, archive.rotate_mib) == (3_600, 500)
    assert (PACK_SECS, SEND_SECS) == (30.0, 60.0)
    assert Config().http.port == 9_090


def test_metrics_have_their_names() -> None:
    """From the start on, so that a panel shows a zero and not nothing."""
    metrics = Metrics(CollectorRegistry())
    metrics.archive.begin("okx")
    text = generate_latest(metrics.registry).decode()
    for name in METRICS:
        assert re.search(rf"(?m)^collector_{re.escape(name)}[ {{]", text), name


@pytest.mark.slow
def test_an_operators_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Told by its environment alone: paths, columns and bytes; a second run sends nothing."""
    data, root = tmp_path / "data", tmp_path / "archive"
    for path, content in load("stopped").files.items():
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).write_bytes(content)
    (tmp_path / "my.toml").write_text(
        "[logger]\nflush_interval_secs = 0.1\ncheckpoint_interval_secs = 1\n"
        '[archive]\nmode = "both"\nlayout = "source"\n'
    )
    monkeypatch.chdir(tmp_path)
    with server("localbucket", tmp_path / "server") as address:
        for name, value in {
            "CONFIG_PATH": "my.toml", "BUCKET_NAME": "my-ticks", "HOME_SERVER_NAME": "home",
            "ARCHIVE_INTERVAL_SECS": "60", "AWS_ACCESS_KEY": "testing", "AWS_SECRET_KEY": "testing",
            "AWS_REGION": "eu-west-1", "TICK_LOGGER__ARCHIVE__S3__ENDPOINT": address,
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        assert main(["archive", str(data), "--once"]) == 0
        assert "everything is verified" in capsys.readouterr().out
        there = bucket(address, "my-ticks")
        kept = {each.key: sha(b"".join(there.read(each.key))) for each in there.list("")}
        assert main(["archive", str(data), "--once"]) == 0
        assert {each.key for each in there.list("")} == set(kept)
    mine = {key: KEY.fullmatch(key) for key in kept if not key.startswith(("data/", "meta/"))}
    assert mine
    for key, match in mine.items():
        assert match is not None, key
        assert sha((root / key).read_bytes()) == kept[key]
        found = pq.ParquetFile(root / key)
        assert {each.name: str(each.type) for each in found.schema_arrow} == COLUMNS
        assert found.metadata.row_group(0).column(5).compression == "ZSTD"
        first = found.read().slice(0, 1).to_pylist()[0]
        assert (first["exchange"], first["symbol"]) == (match["exchange"], unquote(match["symbol"]))
        assert first["timestamp_collector"] // 1_000 == int(match["ms"])
    of = [
        (m["exchange"], m["symbol"], m["kind"], int(m["ms"]) // 60_000) for m in mine.values() if m
    ]
    assert len(set(of)) == len(of)  # within a minute of messages one, and not one for each batch
