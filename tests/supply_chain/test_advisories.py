"""Known vulnerabilities: an advisory in OSV's format against a pin, version by version, and the command that tells."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from click.testing import CliRunner, Result

from supply_chain import __main__ as command
from supply_chain.advisories import affects, look_up
from supply_chain.findings import unexplained
from supply_chain.locks import NODE, PYTHON, ROOT, RUNTIME, Pin, pins

PINNED = next(pin for pin in pins(ROOT / RUNTIME) if pin.name == "jinja2")


def ranged(*events: dict[str, str], kind: str = "ECOSYSTEM") -> dict[str, Any]:
    return {"ranges": [{"type": kind, "events": list(events)}]}


def advisory(pin: Pin = PINNED, **members: Any) -> dict[str, Any]:
    """One that the pin is in, unless the members say otherwise."""
    package = {"package": {"ecosystem": pin.ecosystem, "name": pin.name}}
    return {
        "id": "EXAMPLE-2026-1",
        "modified": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "aliases": ["CVE-2026-0001"],
        "summary": "Planted.",
        "affected": [{**package, **ranged({"introduced": "0"}, {"fixed": "9999"})}],
    } | members


def kept(folder: Path, *advisories: dict[str, Any]) -> Path:
    for number, one in enumerate(advisories):
        (folder / f"{number}.json").write_text(json.dumps(one))
    return folder


def run(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(command.main, ["--no-bandit", "--advisories", str(folder), *options])


@pytest.mark.parametrize(
    ("version", "within"), [("1.0", False), ("1.1", True), ("1.2rc1", True), ("1.2", False), ("1.9", False),
                            ("2.0", True), ("2.4.post1", False), ("2.4", True), ("10.0", False)]
)  # fmt: skip
def test_python_versions_are_ordered_as_pip_does(version: str, within: bool) -> None:
    part = ranged({"introduced": "1.1"}, {"fixed": "1.2"}, {"introduced": "2.0"}, {"last_affected": "2.4"})
    assert affects(part, Pin(PYTHON, "x", version, "lock")) is within


@pytest.mark.parametrize(
    ("version", "within"), [("0.1.0", True), ("1.9.0", True), ("1.10.0-beta.2", True), ("1.10.0-beta.11", False),
                            ("1.10.0-rc.1", False), ("1.10.0", False), ("2.0.0", False)]
)  # fmt: skip
def test_node_versions_are_ordered_as_npm_does(version: str, within: bool) -> None:
    part = ranged({"introduced": "0"}, {"fixed": "1.10.0-beta.11"}, kind="SEMVER")
    assert affects(part, Pin(NODE, "x", version, "lock")) is within


def test_a_version_may_be_listed_and_a_range_that_cannot_be_read_counts() -> None:
    pin = Pin(PYTHON, "x", "1.0", "lock")
    assert affects({"versions": ["0.9", "1.0"]}, pin)
    assert not affects({"versions": ["0.9"]}, pin)
    assert affects(ranged({"introduced": "no version"}), pin)
    assert not affects({"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}, pin)


def test_a_vulnerable_pin_is_named_with_where_it_is_mended(tmp_path: Path) -> None:
    ended = run(kept(tmp_path, advisory()))
    assert ended.exit_code == 1
    assert f"{PINNED} is in EXAMPLE-2026-1: Planted. (mended in 9999)" in ended.output
    assert "1 advisories held against the pins" in ended.output


def test_a_vulnerable_node_package_is_named(tmp_path: Path) -> None:
    (pin, *_) = [pin for pin in pins(ROOT / "ide" / "package-lock.json") if pin.name == "graphql"]
    ended = run(kept(tmp_path, advisory(pin)))
    assert ended.exit_code == 1
    assert f"{pin} is in EXAMPLE-2026-1" in ended.output


def test_advisories_may_stay_in_the_archive_that_osv_gives_out(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("EXAMPLE-2026-1.json", json.dumps(advisory()))
    assert len(look_up([PINNED], tmp_path, {}).hits) == 1


def test_what_is_withdrawn_or_said_not_to_apply_or_of_others_passes(tmp_path: Path) -> None:
    others = Pin(NODE, PINNED.name, PINNED.version, "lock")
    place = kept(tmp_path, advisory(withdrawn="2026-01-01T00:00:00Z"), advisory(others), advisory(affected=[]))
    assert look_up([PINNED], place, {}).hits == []
    place = kept(tmp_path, advisory())
    assert look_up([PINNED], place, {"CVE-2026-0001": "We render no templates of others."}).hits == []


def test_it_is_said_when_nothing_was_checked(tmp_path: Path) -> None:
    ended = run(tmp_path)
    assert ended.exit_code == 0
    assert "NOT CHECKED for vulnerabilities" in ended.output
    assert run(tmp_path, "--require-advisories").exit_code == 1


def test_it_is_said_when_the_advisories_are_old(tmp_path: Path) -> None:
    old = (datetime.now(UTC) - command.STALE - timedelta(days=1)).isoformat()
    place = kept(tmp_path, advisory(modified=old, affected=[]))
    ended = run(place)
    assert ended.exit_code == 0
    assert "STALE" in ended.output
    assert run(place, "--require-advisories").exit_code == 1
    kept(tmp_path, advisory(affected=[]))
    assert run(place, "--require-advisories").exit_code == 0


@pytest.mark.parametrize("content", ["[]", "{}", "no JSON", '{"id": "X", "modified": "yesterday"}'])
def test_a_file_that_is_no_advisory_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(ValueError, match=r"x\.json is no advisory"):
        look_up([PINNED], tmp_path, {})


# Bandit ------------------------------------------------------------------------------------------------------


def test_a_finding_needs_an_explanation(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "one.py").write_text(
        "eval(input())\neval(input())  # noqa: S307\neval(input())  # noqa: S307 (nobody types here)\nassert True\n"
    )
    assert [one.partition(" ")[0] for one in unexplained(tmp_path, ("code",))] == ["code/one.py:1:", "code/one.py:2:"]


@pytest.mark.nightly
def test_every_finding_in_our_code_is_explained() -> None:
    assert unexplained() == []
