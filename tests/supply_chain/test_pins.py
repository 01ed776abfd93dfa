"""Every pin has its hashes and no address, and each check fails on what it is for."""

import json
from pathlib import Path
from urllib.parse import urlunsplit

import pytest

from supply_chain.licences import allows, refused
from supply_chain.locks import NODE, PYTHON, Pin, flaws, lock_files, pins

SOMEWHERE = urlunsplit(("https", "example.org", "", "", ""))
"""An address, spelt so that this file itself has none: whoever looks for pins with addresses finds only real ones."""
HASH = "--hash=sha256:" + "0" * 64


@pytest.mark.parametrize("path", lock_files(), ids=lambda path: "/".join(path.parts[-3:]))
def test_every_pin_has_hashes_and_no_address(path: Path) -> None:
    assert pins(path)
    assert flaws(path) == []


def test_every_lock_file_is_found() -> None:
    """Those to run, to develop, of the IDE, and of the tests' clients at least."""
    found = {"/".join(path.parts[-2:]) for path in lock_files()}
    assert {"ide/package-lock.json", "clients/package-lock.json"} <= found
    assert {"requirements.lock", "requirements-dev.lock"} <= {path.name for path in lock_files()}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("some-package==1.0", "has no SHA-256 hash"),
        ("some-package==1.0 --hash=md5:00", "has no SHA-256 hash"),
        (f"some-package>=1.0 {HASH}", "is not pinned to one version"),
        (f"some-package @ {SOMEWHERE}/x.whl {HASH}", "has an address"),
        (f"--index-url {SOMEWHERE}/simple", "has an address"),
        ("-e .", "has an address"),
    ],
)
def test_a_requirement_that_is_not_whole_is_named(tmp_path: Path, line: str, told: str) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"sound==1.0 \\\n    {HASH}\n{line}\n")
    (flaw,) = flaws(lock, tmp_path)
    assert flaw.startswith(f"requirements.lock: {line.split(maxsplit=1)[0]} ")
    assert told in flaw


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"integrity": None}, "has no SHA-512 hash"),
        ({"integrity": "sha1-abc"}, "has no SHA-512 hash"),
        ({"resolved": f"{SOMEWHERE}/a.tgz"}, "has an address"),
    ],
)
def test_a_node_package_that_is_not_whole_is_named(tmp_path: Path, change: dict[str, str | None], told: str) -> None:
    package = {"version": "1.0.0", "license": "MIT", "integrity": "sha512-abc", **change}
    packages = {"": {}, "node_modules/a": {name: value for name, value in package.items() if value is not None}}
    lock = tmp_path / "package-lock.json"
    lock.write_text(json.dumps({"lockfileVersion": 3, "packages": packages}))
    (flaw,) = flaws(lock, tmp_path)
    assert flaw.startswith("package-lock.json: node_modules/a ")
    assert told in flaw


def test_every_licence_is_allowed() -> None:
    assert refused(pin for path in lock_files() for pin in pins(path)) == []


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("Apache Software License", True),
        ("MIT OR GPL-3.0-only", True),
        ("(BSD-2-Clause OR MIT OR Apache-2.0)", True),
        ("MPL-2.0 AND (GPL-2.0-only OR MIT)", True),
        ("MPL-2.0 AND (GPL-2.0-only OR SSPL-1.0)", False),
        ("MIT AND GPL-3.0-only", False),
        ("AGPL-3.0-or-later", False),
        ("SEE LICENSE IN LICENSE.md", False),
        ("", False),
    ],
)
def test_a_licence_is_allowed_where_each_of_its_parts_is(expression: str, allowed: bool) -> None:
    assert allows(expression) is allowed


def test_a_package_that_may_not_be_used_is_named() -> None:
    pin = Pin(NODE, "greedy", "1.0.0", "package-lock.json", "AGPL-3.0-only")
    assert refused([pin, Pin(PYTHON, "not-installed-here", "1", "requirements.lock")]) == [
        "greedy 1.0.0 (package-lock.json) is under AGPL-3.0-only, which is not among those allowed"
    ]
