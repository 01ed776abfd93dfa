"""Whether every licence is one that we may use as we do.

Python's are read from what is installed (the locks do not say them), Node's from the lock files.
"""

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any, Final

from .locks import PYTHON, Pin

ALLOWED: Final = frozenset({
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0", "CNRI-Python", "ISC", "MIT", "MIT-0",
    "PSF-2.0", "Python-2.0", "Unlicense", "Zlib",
    # Weak copyleft: their own files stay open, ours are not touched, and we change none of theirs.
    "MPL-2.0",
    # Asks for no more than a name; a table of browsers (caniuse-lite) that tools of development read.
    "CC-BY-4.0",
})  # fmt: skip
"""SPDX identifiers. Whoever adds one says here why it does not bind what ascms itself may be used for."""

CALLED: Final[Mapping[str, str]] = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
}
"""What packages without an SPDX expression call theirs."""
SAID_ELSEWHERE: Final[Mapping[str, str]] = {}
"""Packages whose metadata names no licence, with the one that was read in their repository."""


def refused(pins: Iterable[Pin]) -> list[str]:
    """A sentence for each package whose licence is not allowed or not told. What is not installed here is left out."""
    sentences = []
    for pin in pins:
        told = _told(pin)
        if told is not None and not allows(told):
            sentences.append(f"{pin} is under {told or 'no licence that it tells'}, which is not among those allowed")
    return sentences


def allows(expression: str) -> bool:
    """Whether an SPDX expression leaves a choice of allowed licences only.

    >>> allows("MIT OR GPL-3.0-only"), allows("MIT AND GPL-3.0-only")
    (True, False)
    """
    flat = expression.strip()
    while (inner := re.search(r"\(([^()]*)\)", flat)) and CALLED.get(flat.lower()) is None:
        flat = flat.replace(inner[0], "MIT" if allows(inner[1]) else "NONE")
    return any(
        all(_known(one) in ALLOWED for one in re.split(r"\s+AND\s+", way)) for way in re.split(r"\s+OR\s+", flat)
    )


def _known(name: str) -> str:
    return CALLED.get(name.strip().lower(), name.strip())


def _told(pin: Pin) -> str | None:
    """The licence as an expression; empty where none is told, None where the package is not here to ask."""
    if pin.ecosystem != PYTHON:
        return pin.licence or ""
    try:
        about: Any = metadata(pin.name)
    except PackageNotFoundError:
        return None  # for another platform
    if pin.name in SAID_ELSEWHERE:
        return SAID_ELSEWHERE[pin.name]
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in about.get_all("Classifier") or []
        if line.startswith("License ::") and not line.endswith("OSI Approved")
    ]
    named = about.get("License") or ""
    # A `License` of several lines is the licence's text; then the classifiers name it.
    return about.get("License-Expression") or " AND ".join(classifiers) or (named if "\n" not in named else "")
