"""docs/limits.md says what the code does: every figure is that of its setting, every limit there is stands in it."""

import re
from pathlib import Path
from typing import Any

import pytest

from ascms.planning import conditions, limits, pages, selection, values
from ascms.planning.compiler import MOST_STATEMENTS
from ascms.server import connections, uploads
from ascms.settings import Settings
from ascms.storage import MOST_BYTES

PAGE = (Path(__file__).parents[2] / "docs" / "limits.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| limit |"))
]
SETTINGS = {
    setting: default for _, default, setting, *_ in ROWS for setting in re.findall(r"`(\w+)`", setting)
}  # fmt: skip
WITHOUT_A_ROW = {"maximum_persisted", "maximum_import", "import_tolerance"}
"""Of the settings that are named like limits, those that bound nothing of a request."""


def figures(text: str) -> list[str]:
    return re.findall(r"\d[\d,]*", text)


def test_the_page_has_its_tables() -> None:
    assert len(ROWS) > 30
    assert all(len(row) == 6 for row in ROWS)


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_default_is_that_of_the_setting(setting: str) -> None:
    default: Any = Settings.model_fields[setting].default
    told = SETTINGS[setting]
    if isinstance(default, bool):
        assert told == ("on" if default else "off")
    else:
        assert figures(told)[0] == f"{default:,}"


@pytest.mark.parametrize("setting", ["allowed_hosts", "allowed_origins", "strict_transport_seconds"])
def test_what_browsers_are_allowed_is_nothing_by_default(setting: str) -> None:
    assert f"`{setting}`" in PAGE
    assert not Settings.model_fields[setting].default


def test_every_setting_that_is_a_limit_has_a_row() -> None:
    named = {name for name in Settings.model_fields if name.startswith("maximum_") or name.endswith("_seconds")}
    assert named - WITHOUT_A_ROW - {"job_seconds", "strict_transport_seconds"} <= SETTINGS.keys()


@pytest.mark.parametrize(
    ("limit", "figure"),
    [
        ("fragments, one spread in the other", limits.MOST_NESTED_FRAGMENTS),
        ("fields, once fragments are spread", selection.MOST_FIELDS),
        ("lists and root objects (statements)", MOST_STATEMENTS),
        ("a file", MOST_BYTES),
        ("files in a request", uploads.MOST_FILES),
        ("bytes of it", connections.MOST_HEAD),
        ("time for its body, and a second more for each 1,000 bytes", 20),
    ],
)
def test_a_figure_without_a_setting_is_that_of_the_code(limit: str, figure: int) -> None:
    (row,) = [row for row in ROWS if row[0] == limit]
    assert figures(row[1]) == [f"{figure:,}"]
    assert connections.SLOWEST == 1_000


def test_figures_of_arguments_are_those_of_the_code() -> None:
    (row,) = [row for row in ROWS if row[0].startswith("list in a filter")]
    code = (
        conditions.LONGEST_LIST,
        values.MOST_CONDITIONS,
        pages.MOST_SORT_KEYS,
        values.LONGEST_TEXT,
        values.MOST_PARAMETERS,
    )
    assert figures(row[1]) == [f"{figure:,}" for figure in code]
