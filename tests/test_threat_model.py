"""The threat model names a test for what it says, and each of them exists."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODEL = (ROOT / "docs" / "threat-model.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", MODEL)
NOT_HERE = "–"


@cache
def names_in(path: str) -> frozenset[str]:
    """The names of a module's tests."""
    return frozenset(re.findall(r"^(?:async )?def (test_\w+)", (ROOT / path).read_text(), re.MULTILINE))


def threats() -> list[list[str]]:
    """The rows of the tables of threats: the threat, what stops it, the tests, what is left over."""
    tables = MODEL.partition("## Threats")[2].partition("## What is not defended")[0]
    rows = [line.strip("|").split("|") for line in tables.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in row] for row in rows]
    return [row for row in cells if row[0] != "threat" and not set(row[0]) <= {"-"}]


def test_every_test_that_it_names_exists() -> None:
    assert len(NAMED) > 80
    missing = [f"{path}::{name}" for path, name in NAMED if name not in names_in(path)]
    assert missing == []


def test_every_threat_has_what_stops_it_and_a_test_that_shows_so() -> None:
    rows = threats()
    assert len(rows) > 40
    for row in rows:
        assert len(row) == 4, row
        threat, stopped_by, shown_by, left_over = row
        assert threat
        assert stopped_by
        assert re.fullmatch(r"(`tests/[\w/]+\.py::test_\w+`(, )?)+", shown_by) or (
            shown_by == NOT_HERE and left_over
        ), row
