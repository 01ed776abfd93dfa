"""The kinds of files that are kept, and how each is known by its content. Names and declared types say nothing."""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import filetype
from filetype.types import archive, audio, image

from .containers import Macros, document_type
from .incoming import PIECE

HEAD: Final = 4_096
"""Bytes at the beginning that a signature is looked for in."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: its media type, what people call it, and the extensions it goes by, the usual one first."""

    media_type: str
    called: str
    extensions: tuple[str, ...]


_OOXML: Final = "application/vnd.openxmlformats-officedocument"
_ODF: Final = "application/vnd.oasis.opendocument"

ALLOWED: Final = {
    kind.media_type: kind
    for kind in (
        Kind("application/pdf", "PDF", ("pdf",)),
        Kind(f"{_OOXML}.wordprocessingml.document", "Word (docx)", ("docx",)),
        Kind(f"{_OOXML}.spreadsheetml.sheet", "Excel (xlsx)", ("xlsx",)),
        Kind(f"{_OOXML}.presentationml.presentation", "PowerPoint (pptx)", ("pptx",)),
        Kind(f"{_ODF}.text", "OpenDocument text (odt)", ("odt",)),
        Kind(f"{_ODF}.spreadsheet", "OpenDocument spreadsheet (ods)", ("ods",)),
        Kind("application/rtf", "RTF", ("rtf",)),
        Kind("text/plain", "plain text in UTF-8", ("txt", "text", "log", "md")),
        Kind("text/csv", "CSV in UTF-8", ("csv",)),
        Kind("image/png", "PNG", ("png",)),
        Kind("image/jpeg", "JPEG", ("jpg", "jpeg", "jfif")),
        Kind("image/gif", "GIF", ("gif",)),
        Kind("image/webp", "WebP", ("webp",)),
        Kind("image/heic", "HEIC", ("heic", "heif")),
        Kind("image/tiff", "TIFF", ("tif", "tiff")),
        Kind("audio/mpeg", "MP3", ("mp3",)),
        Kind("audio/mp4", "M4A", ("m4a",)),
        Kind("audio/wav", "WAV", ("wav",)),
    )
}
"""What is kept, by media type: no video, nothing that runs, nothing that a browser would run."""

_TEXTUAL: Final = {archive.Pdf(): "application/pdf", archive.Rtf(): "application/rtf"}
"""Formats that may be valid text throughout."""
_BINARY: Final = {
    image.Png(): "image/png",
    image.Jpeg(): "image/jpeg",
    image.Gif(): "image/gif",
    image.Webp(): "image/webp",
    image.Heic(): "image/heic",
    image.Tiff(): "image/tiff",
    audio.Mp3(): "audio/mpeg",
    audio.M4a(): "audio/mp4",
    audio.Wav(): "audio/wav",
}
_ZIP: Final = b"PK\x03\x04"

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_MARKUP: Final = re.compile(
    r"\ufeff?\s*(#!|<!doctype|<!--|<\?|<(html|head|body|title|meta|link|base|script|style|iframe|object|embed|img|form"
    r"|svg|math|xml|table|div|font|h1|br|a|b|p)[\s/>])",
    re.IGNORECASE,
)
"""How web pages, drawings and scripts begin that a browser or a shell would run (WHATWG MIME Sniffing, 7.1)."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A content of no kind that is kept; why, as a sentence."""

    why: str


def kind_of(path: Path, name: str) -> str | Unknown:
    """The media type of the file's content; `name` only tells CSV from other text. Reads the disk: run it aside."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    signed = filetype.match(head, _TEXTUAL)
    if signed is not None:
        return _TEXTUAL[signed]
    if head.startswith(_ZIP):
        return _container(path)
    if _is_text(path):
        return _text(path, name)
    signed = filetype.match(head, _BINARY)
    return _BINARY[signed] if signed is not None else Unknown("By its content it is of none of the kinds that are kept")


def _container(path: Path) -> str | Unknown:
    try:
        found = document_type(path)
    except Macros:
        return Unknown("It has macros, which are programs; save it without them")
    return found if found in ALLOWED else Unknown("It is an archive or container that is no document of a kind kept")


def _text(path: Path, name: str) -> str | Unknown:
    with path.open(encoding="utf-8") as file:
        if _MARKUP.match(file.read(HEAD)):
            return Unknown("It is a web page, a drawing in markup or a script, whatever its name says")
    return "text/csv" if name.lower().endswith(".csv") else "text/plain"


def _is_text(path: Path) -> bool:
    """Whether all of the file is valid UTF-8 without control characters other than tabs and ends of lines and pages."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while piece := file.read(PIECE):
                if _CONTROL.search(decoder.decode(piece)):
                    return False
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def extension_for(name: str, media_type: str) -> str:
    """What has to be added to the name so that its extension is one of the media type's; often nothing."""
    kind = ALLOWED.get(media_type)
    if kind is None:
        return ".bin"
    stem, dot, extension = name.rpartition(".")
    return "" if stem and dot and extension.lower() in kind.extensions else f".{kind.extensions[0]}"
