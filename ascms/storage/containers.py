"""Looking into zip containers for what document they are, without unpacking them.

One small entry is read, up to a bound, and the directory of entries, up to another. What is not as it should be is
no document.
"""

import io
import zlib
from pathlib import Path
from typing import Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

MOST_AT_ONCE: Final = 1_048_576
"""Bytes of a container that are in memory at once; enough for a directory of 10,000 entries."""
MOST_OF_AN_ENTRY: Final = 1_048_576
"""Bytes of an unpacked entry."""

_ODF_TYPE: Final = "mimetype"
_OOXML_TYPES: Final = "[content_types].xml"
_OOXML_MAIN: Final = ".main+xml"
_MACRO_TYPES: Final = ("macroenabled", "macrosheet", "vbaproject")
"""What the types of parts with programs contain (Office Open XML)."""
_MACRO_ENTRIES: Final = ("basic/", "scripts/", "xl/macrosheets/")
"""Where programs are kept (OpenDocument; Excel before VBA)."""


class Macros(Exception):  # noqa: N818 (named as what is found)
    """The document has macros."""


class _Unlike(Exception):  # noqa: N818 (named as what is found)
    """The container is not as a document's is."""


def document_type(path: Path) -> str | None:
    """The media type of a document in a zip container, as it says itself; None where it is none. Raises Macros."""
    try:
        with _Bounded(path) as file, ZipFile(file) as container:
            return _document_type(container)
    except (_Unlike, BadZipFile, ParseError, DefusedXmlException, zlib.error):
        return None
    except (ValueError, RuntimeError, EOFError, OSError):  # what zipfile raises besides, for broken or locked entries
        return None


def _document_type(container: ZipFile) -> str | None:
    entries: dict[str, list[ZipInfo]] = {}
    for entry in container.infolist():
        entries.setdefault(entry.filename.lower(), []).append(entry)
    if any(name.startswith(_MACRO_ENTRIES) or name.endswith("vbaproject.bin") for name in entries):
        raise Macros
    if _ODF_TYPE in entries:
        return _read(container, entries[_ODF_TYPE]).decode("ascii").strip()
    if _OOXML_TYPES in entries:
        return _main_type(_read(container, entries[_OOXML_TYPES]))
    return None


def _main_type(xml: bytes) -> str | None:
    """The media type of an Office Open XML document, from the list of its parts' types."""
    types = {part.get("ContentType", "").lower() for part in fromstring(xml, forbid_dtd=True)}
    if any(word in one for one in types for word in _MACRO_TYPES):
        raise Macros
    main = [one.removesuffix(_OOXML_MAIN) for one in types if one.endswith(_OOXML_MAIN)]
    return main[0] if len(main) == 1 else None


def _read(container: ZipFile, entries: list[ZipInfo]) -> bytes:
    entry = entries[0]
    # Other methods of packing know no bound; of two entries of a name, programs choose as they please.
    if len(entries) > 1 or entry.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        raise _Unlike
    with container.open(entry) as file:
        content = file.read(MOST_OF_AN_ENTRY + 1)
    if len(content) > MOST_OF_AN_ENTRY:
        raise _Unlike
    return content


class _Bounded(io.FileIO):
    """A file of which no more than the bound is read at once, whatever a container says of its size."""

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(MOST_AT_ONCE + 1 if size is None or size < 0 else min(size, MOST_AT_ONCE + 1))
        if content is None or len(content) > MOST_AT_ONCE:
            raise _Unlike
        return content
