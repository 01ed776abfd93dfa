"""Files of each kind, as small as they can be, and files that pretend."""

import io
from collections.abc import Mapping
from typing import Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

_OOXML: Final = "application/vnd.openxmlformats-officedocument"
DOCX: Final = f"{_OOXML}.wordprocessingml.document"
XLSX: Final = f"{_OOXML}.spreadsheetml.sheet"
PPTX: Final = f"{_OOXML}.presentationml.presentation"
ODT: Final = "application/vnd.oasis.opendocument.text"
ODS: Final = "application/vnd.oasis.opendocument.spreadsheet"

PNG: Final = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + b"\x00" * 13 + b"\x00\x00\x00\x00IEND\xaeB`\x82"
PDF: Final = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
EXE: Final = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff" + b"\x00" * 64


def zipped(entries: Mapping[str, bytes], packing: int = ZIP_DEFLATED) -> bytes:
    """A zip container with these entries."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", packing) as container:
        for name, content in entries.items():
            container.writestr(name, content)
    return buffer.getvalue()


def office(*part_types: str, **entries: bytes) -> bytes:
    """An Office Open XML document whose parts have these types."""
    parts = "".join(f'<Override PartName="/part{at}" ContentType="{one}"/>' for at, one in enumerate(part_types))
    namespace = "http://schemas.openxmlformats.org/package/2006/content-types"
    types = f'<?xml version="1.0" encoding="UTF-8"?><Types xmlns="{namespace}">{parts}</Types>'
    return zipped({"[Content_Types].xml": types.encode(), "_rels/.rels": b"<Relationships/>", **entries})


def open_document(media_type: str, **entries: bytes) -> bytes:
    """An OpenDocument file."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as container:
        container.writestr("mimetype", media_type, ZIP_STORED)
        for name, content in {"content.xml": b"<office:document-content/>", **entries}.items():
            container.writestr(name, content, ZIP_DEFLATED)
    return buffer.getvalue()


KEPT: Final = {
    "letter.pdf": (PDF, "application/pdf"),
    "letter.docx": (office(f"{DOCX}.main+xml", "application/xml"), DOCX),
    "table.xlsx": (office(f"{XLSX}.main+xml"), XLSX),
    "slides.pptx": (office(f"{PPTX}.main+xml"), PPTX),
    "letter.odt": (open_document(ODT), ODT),
    "table.ods": (open_document(ODS), ODS),
    "letter.rtf": (rb"{\rtf1\ansi Kia ora}", "application/rtf"),
    "notes.txt": ("Kōrero mai: he pānui.\r\n\tTahi\n".encode(), "text/plain"),
    "marked.txt": (b"\xef\xbb\xbfwith a byte order mark", "text/plain"),
    "days.csv": ("day,present\n2026-05-06,½\n".encode(), "text/csv"),
    "photo.png": (PNG, "image/png"),
    "photo.jpg": (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\xff\xd9", "image/jpeg"),
    "photo.gif": (b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x3b", "image/gif"),
    "photo.webp": (b"RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00", "image/webp"),
    "photo.heic": (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "image/heic"),
    "photo.heif": (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic", "image/heic"),
    "scan.tif": (b"II*\x00\x08\x00\x00\x00\x00\x00\x00\x00", "image/tiff"),
    "voice.mp3": (b"ID3\x04\x00\x00\x00\x00\x00\x00\xff\xfb\x90\x00", "audio/mpeg"),
    "voice.m4a": (b"\x00\x00\x00\x18ftypM4A \x00\x00\x02\x00isomiso2", "audio/mp4"),
    "voice.wav": (b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00", "audio/wav"),
}
"""By the name it might have: a content of each kind that is kept, and its media type."""

_DOCM: Final = "application/vnd.ms-word.document.macroEnabled.main+xml"
_XLSM: Final = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"

WITH_MACROS: Final = {
    "docm": office(_DOCM),
    "xlsm": office(_XLSM),
    "docm under another case": office(_DOCM.upper()),
    "docx with a VBA project": office(f"{DOCX}.main+xml", **{"word/vbaProject.bin": b"\xd0\xcf\x11\xe0"}),
    "docx with a VBA project elsewhere": office(f"{DOCX}.main+xml", "application/vnd.ms-office.vbaProject"),
    "xlsx with a macro sheet": office(f"{XLSX}.main+xml", **{"xl/macrosheets/sheet1.xml": b"<xm:macrosheet/>"}),
    "odt with Basic": open_document(ODT, **{"Basic/Standard/Module1.xml": b"<script:module/>"}),
    "odt with Python": open_document(ODT, **{"Scripts/python/a.py": b"print()"}),
}

_NOT_KEPT_ZIPS: Final = {
    "zip": zipped({"a.txt": b"a"}),
    "zip of nothing": zipped({}),
    "jar": zipped({"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0"}),
    "epub": open_document("application/epub+zip"),
    "odg": open_document("application/vnd.oasis.opendocument.graphics"),
    "template": office(f"{_OOXML}.wordprocessingml.template.main+xml"),
    "two documents in one": office(f"{DOCX}.main+xml", f"{XLSX}.main+xml"),
    "no list of parts": zipped({"word/document.xml": b"<w:document/>"}),
    "list of parts that is no XML": zipped({"[Content_Types].xml": b"<Types"}),
    "list of parts with an entity": zipped(
        {"[Content_Types].xml": b'<!DOCTYPE Types [<!ENTITY a "a">]><Types><Override ContentType="&a;"/></Types>'}
    ),
    "list of parts with a document type": zipped(
        {"[Content_Types].xml": f'<!DOCTYPE T><T><Override ContentType="{DOCX}.main+xml"/></T>'.encode()}
    ),
    "zip that is cut off": office(f"{DOCX}.main+xml")[:-30],
    "zip signature and nothing else": b"PK\x03\x04" + b"\x00" * 200,
}

NOT_KEPT: Final = {
    **_NOT_KEPT_ZIPS,
    "exe": EXE,
    "exe with a document behind it": EXE + office(f"{DOCX}.main+xml"),
    "ELF": b"\x7fELF\x02\x01\x01\x00" + b"\x00" * 56,
    "old Word": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 512,
    "video": b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2",
    "BMP": b"BM\x1e\x00\x00\x00\x00\x00\x00\x00",
    "text in UTF-16": "Kia ora".encode("utf-16"),
    "text in Windows-1252": "Mānoa, café".replace("ā", "a").encode("cp1252"),
    "text with a null": b"a\x00b",
    "text with an escape sequence": b"\x1b[31mred",
    "text that ends inside of a character": "Māori"[:2].encode()[:-1],
    "PDF behind something else": b"\x00\x01" + PDF,
}

MARKUP: Final = {
    "HTML": b"<!DOCTYPE html><html><script>alert(1)</script></html>",
    "HTML after blanks": b"\xef\xbb\xbf \r\n\t<html lang=en>",
    "a script": b"<SCRIPT>alert(1)</SCRIPT>",
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "SVG as XML": b'<?xml version="1.0"?><svg/>',
    "a comment, then HTML": b"<!-- --><html>",
    "PHP": b"<?php system('id');",
    "a shell script": b"#!/bin/sh\nrm -rf /\n",
}
