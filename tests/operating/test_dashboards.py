"""Grafana's dashboards and provisioning: complete, tidy, and pointing at each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.operating.operations import CONFIG, DASHBOARDS, load_yaml, panels

PROVISIONING = CONFIG / "grafana" / "provisioning"
each_dashboard = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)


def test_the_dashboards_that_there_are() -> None:
    """Four, each with an address of its own."""
    assert [path.stem for path in DASHBOARDS] == ["exchange", "host", "overview", "storage"]
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in DASHBOARDS]
    assert [each["uid"] for each in documents] == [f"tick_logger_{p.stem}" for p in DASHBOARDS]
    assert len({each["title"] for each in documents}) == 4


@each_dashboard
def test_files_are_tidy(dashboard: Path) -> None:
    """Sorted and indented, so that a change shows as that change."""
    text = dashboard.read_text(encoding="utf-8")
    document = json.loads(text)
    assert text == json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert "id" not in document  # the database of one Grafana gives it


@each_dashboard
def test_each_panel_explains_itself(dashboard: Path) -> None:
    """Title, description, unit and legend; numbered from one, in their order."""
    assert [each["id"] for each in panels(dashboard)] == list(range(1, len(panels(dashboard)) + 1))
    for panel in panels(dashboard):
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"]
        if panel["type"] == "timeseries":
            legends = [target["legendFormat"] for target in panel["targets"]]
            assert all(legends), panel["title"]
            assert len(set(legends)) == len(legends), panel["title"]
    titles = [panel["title"] for panel in panels(dashboard)]
    assert len(set(titles)) == len(titles)


@each_dashboard
def test_panels_do_not_overlap(dashboard: Path) -> None:
    """Within 24 columns, each cell belongs to one panel."""
    cells = [
        (x, y)
        for at in (panel["gridPos"] for panel in panels(dashboard))
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


@each_dashboard
def test_everything_comes_from_the_provisioned_data_source(dashboard: Path) -> None:
    """By its fixed uid, in panels, targets, variables and annotations."""
    (source,) = load_yaml(PROVISIONING / "datasources" / "prometheus.yml")["datasources"]
    document = json.loads(dashboard.read_text(encoding="utf-8"))
    users = [
        *document["panels"],
        *(target for panel in document["panels"] for target in panel["targets"]),
        *document["templating"]["list"],
        *document["annotations"]["list"],
    ]
    expected = {"type": source["type"], "uid": source["uid"]}
    assert all(each["datasource"] == expected for each in users)


def test_grafana_finds_the_dashboards_where_the_containers_put_them() -> None:
    """The provider's folder is the one that is mounted, and so are both halves of provisioning."""
    (provider,) = load_yaml(PROVISIONING / "dashboards" / "tick_logger.yml")["providers"]
    mounts = load_yaml(CONFIG / "docker-compose.yml")["services"]["grafana"]["volumes"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in mounts
    assert "./grafana/provisioning:/etc/grafana/provisioning:ro" in mounts
