"""What bandit finds in the code, and whether each of its findings is explained where it stands.

Ruff's S rules are bandit's, and run with every check; bandit itself sees a few things more. A finding is explained by
`# noqa: S… (why)` or `# nosec B… (why)` on its statement.
"""

import json
import re
import subprocess  # nosec B404 (runs bandit)
import sys
from pathlib import Path
from typing import Final

from .locks import ROOT

LOOKED_AT: Final = ("ascms", "migrations", "supply_chain")
NO_FINDING: Final = "B101"
"""Assertions: they tell the type checker what the lines above made true, and decide nothing (see pyproject.toml)."""
EXPLAINED: Final = re.compile(r"#.*(noqa: [A-Z0-9, ]*S\d+|nosec B\d+)[^#]*(\(| - ).{3,}")


def unexplained(root: Path = ROOT, looked_at: tuple[str, ...] = LOOKED_AT) -> list[str]:
    """A sentence for each finding that nobody explained."""
    command = [
        sys.executable,
        "-m",
        "bandit",
        "-r",
        *looked_at,
        "--skip",
        NO_FINDING,
        "-f",
        "json",
        "-q",
        "--ignore-nosec",
    ]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 (bandit)
    if ended.returncode not in {0, 1}:
        raise RuntimeError(f"bandit failed: {ended.stderr}")
    report = json.loads(ended.stdout)
    if report["errors"]:
        raise RuntimeError(f"bandit could not read everything: {report['errors']}")
    return [
        f"{one['filename']}:{one['line_number']}: {one['test_id']} {one['issue_text']}"
        for one in report["results"]
        if not _is_explained(root / one["filename"], one["line_number"], one["line_range"])
    ]


def _is_explained(path: Path, line: int, lines: list[int]) -> bool:
    written = path.read_text(encoding="utf-8").splitlines()
    return any(EXPLAINED.search(written[number - 1]) for number in {line, *lines})
