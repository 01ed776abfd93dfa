"""Files to import, made of what a test is about."""

import csv
import io
from typing import Any

STUDENT = {
    "nsn": "0000000001",
    "full_name": "Hēmi Test",
    "known_as": "",
    "date_of_birth": "2012-03-04",
    "gender": "M",
    "year_level": "9",
    "address": "1 Some Street",
    "protected": "N",
    "ethnicities": "211;111",
    "iwi": "0101",
    "school_number": "1001",
    "started_on": "2025-02-03",
    "left_on": "",
}
CASE = {
    "former_reference": "ASA-1",
    "nsn": "0000000001",
    "type": "CA",
    "opened_on": "2026-04-01",
    "provider_number": "5001",
    "notes": "",
}


def number(which: int) -> str:
    """A national student number."""
    return f"{which:010d}"


def student(which: int = 1, **changes: Any) -> dict[str, Any]:
    """A line of ENROL's file."""
    return {**STUDENT, "nsn": number(which), **changes}


def case(which: int = 1, **changes: Any) -> dict[str, Any]:
    """A line of the former system's file, about the student `which`."""
    return {**CASE, "former_reference": f"ASA-{which}", "nsn": number(which), **changes}


def content(*lines: dict[str, Any], header: list[str] | None = None) -> str:
    """A file of these lines, with the columns of the first unless told others."""
    file = io.StringIO()
    writer = csv.DictWriter(file, header or list(lines[0]), lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(lines)
    return file.getvalue()
