"""What is kept of the files people send: by content, whatever they are called."""

import io
import struct
import tracemalloc
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest
from hypothesis import given, strategies as st

from ascms.storage import ALLOWED, MOST_BYTES, Accepted, Arriving, Incoming, Refusal, TooLarge, Upload, judge
from ascms.storage.names import cleaned, download_name
from tests.storage.documents import DOCX, KEPT, MARKUP, NOT_KEPT, PDF, PNG, WITH_MACROS, office, zipped

Receive = Callable[..., Upload]


@pytest.fixture
def incoming(tmp_path: Path) -> Incoming:
    return Incoming(tmp_path / "incoming")


@pytest.fixture
def received(tmp_path: Path) -> Receive:
    """A file that has arrived with this content."""

    def receive(content: bytes, name: str = "letter.pdf", declared_type: str = "application/pdf") -> Upload:
        path = tmp_path / "received"
        path.write_bytes(content)
        return Upload(name, declared_type, path, len(content), sha256(content).hexdigest())

    return receive


def refusal(outcome: Accepted | Refusal) -> str:
    assert isinstance(outcome, Refusal), outcome
    return outcome.message


# Kinds -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KEPT)
async def test_each_kind_is_known_by_its_content(received: Receive, name: str) -> None:
    content, media_type = KEPT[name]
    accepted = await judge(received(content, name))
    assert accepted == Accepted(name, media_type, len(content), sha256(content).hexdigest())


@pytest.mark.parametrize("name", sorted(set(KEPT) - {"days.csv"}))
async def test_neither_the_name_nor_the_declared_type_changes_what_a_content_is(received: Receive, name: str) -> None:
    content, media_type = KEPT[name]
    accepted = await judge(received(content, "invoice.exe", "text/html"))
    assert isinstance(accepted, Accepted)
    assert accepted.media_type == media_type
    assert accepted.name == "invoice.exe"


async def test_text_is_csv_only_where_its_name_says_so_and_nothing_else_is(received: Receive) -> None:
    csv, named_so = KEPT["days.csv"][0], "register.CSV"
    outcomes = [await judge(received(csv, "register.txt")), await judge(received(PNG, named_so))]
    assert [one.media_type for one in outcomes if isinstance(one, Accepted)] == ["text/plain", "image/png"]


@pytest.mark.parametrize("what", NOT_KEPT)
@pytest.mark.parametrize("name", ["letter.pdf", "photo.png", "letter.docx"])
async def test_what_is_of_no_kind_kept_is_refused_with_the_kinds_that_are(
    received: Receive, what: str, name: str
) -> None:
    message = refusal(await judge(received(NOT_KEPT[what], name)))
    for kind in ALLOWED.values():
        assert kind.called in message


@pytest.mark.parametrize("what", MARKUP)
@pytest.mark.parametrize("name", ["photo.png", "notes.txt", "table.csv"])
async def test_what_a_browser_or_a_shell_would_run_is_refused_as_whatever_it_comes(
    received: Receive, what: str, name: str
) -> None:
    assert "web page" in refusal(await judge(received(MARKUP[what], name, "image/png")))


async def test_a_message_that_quotes_an_address_is_text(received: Receive) -> None:
    assert isinstance(await judge(received(b"<kaiako@school.nz> wrote:\n> <p>ok</p>", "mail.txt")), Accepted)


@pytest.mark.parametrize("what", WITH_MACROS)
async def test_documents_with_programs_in_them_are_refused_and_told_so(received: Receive, what: str) -> None:
    assert "macros" in refusal(await judge(received(WITH_MACROS[what], "letter.docx")))


# Bombs -------------------------------------------------------------------------------------------------------


def _bomb(packing: int) -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", packing) as container, container.open("[Content_Types].xml", "w") as entry:
        for _ in range(64):
            entry.write(b" " * 1_048_576)
    return buffer.getvalue()


def _many_entries(count: int) -> bytes:
    return zipped({f"{at:06}": b"" for at in range(count)}, ZIP_STORED)


def _huge_directory() -> bytes:
    """A small file whose last record promises a directory of 4 GB."""
    content = bytearray(zipped({"a": b"a"}))
    at = content.rfind(b"PK\x05\x06")
    content[at + 12 : at + 16] = struct.pack("<I", 0xFFFF_FF00)
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(_bomb(ZIP_DEFLATED), id="an entry of 64 MiB in 64 KiB"),
        pytest.param(_bomb(ZIP_BZIP2), id="an entry of 64 MiB in a few bytes"),
        pytest.param(_many_entries(30_000), id="30,000 entries"),
        pytest.param(_huge_directory(), id="a directory that is longer than the file"),
    ],
)
async def test_a_container_is_not_unpacked_to_be_judged(received: Receive, content: bytes) -> None:
    upload = received(content, "letter.docx")
    tracemalloc.start()
    try:
        assert "archive" in refusal(await judge(upload))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 8 * 1_048_576


async def test_a_document_with_a_bomb_in_it_is_kept_as_it_came(received: Receive) -> None:
    content = office(f"{DOCX}.main+xml", **{"word/media/image1.bmp": b"\x00" * 50_000_000})
    assert len(content) < 100_000
    tracemalloc.start()
    accepted = await judge(received(content, "letter.docx"))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(accepted, Accepted)
    assert most < 8 * 1_048_576


@given(st.binary(max_size=300))
def test_no_content_has_the_judge_fail(tmp_path_factory: pytest.TempPathFactory, tail: bytes) -> None:
    from ascms.storage.kinds import Unknown, kind_of

    path = tmp_path_factory.getbasetemp() / "any"
    for head in (b"", b"PK\x03\x04", b"%PDF", b"\x00\x00\x00\x18ftyp", office(f"{DOCX}.main+xml")[:-20]):
        path.write_bytes(head + tail)
        found = kind_of(path, "any")
        assert isinstance(found, Unknown) or found in ALLOWED


# Sizes -------------------------------------------------------------------------------------------------------


async def test_an_empty_file_is_refused(received: Receive) -> None:
    assert "empty" in refusal(await judge(received(b"")))


async def test_25_mib_are_kept_and_one_byte_more_is_not(received: Receive) -> None:
    whole = PDF + b"\n" * (MOST_BYTES - len(PDF))
    accepted, refused = await judge(received(whole)), await judge(received(whole + b"\n"))
    assert isinstance(accepted, Accepted)
    assert accepted.size == 26_214_400
    assert "26,214,401 bytes" in refusal(refused)
    assert "26,214,400" in refusal(refused)


async def test_a_file_that_arrives_is_hashed_and_only_its_owner_reads_it(incoming: Incoming) -> None:
    content = bytes(range(256)) * 10_000
    with Arriving(incoming, MOST_BYTES) as arriving:
        for start in range(0, len(content), 65_521):
            await arriving.take(content[start : start + 65_521])
        upload = await arriving.whole("a.bin", "")
    assert upload.path.read_bytes() == content == b"".join([piece async for piece in upload.pieces()])
    assert (upload.size, upload.sha256) == (len(content), sha256(content).hexdigest())
    assert upload.path.stat().st_mode & 0o777 == 0o600
    assert upload.path.parent.stat().st_mode & 0o777 == 0o700
    upload.discard()
    assert list(incoming.folder.iterdir()) == []


async def test_a_file_is_refused_at_the_byte_that_is_too_much_and_nothing_stays(incoming: Incoming) -> None:
    with Arriving(incoming, 3_000_000) as arriving:
        await arriving.take(b"a" * 3_000_000)
        with pytest.raises(TooLarge):
            await arriving.take(b"a")
    assert list(incoming.folder.iterdir()) == []


async def test_a_file_may_be_kept_for_longer_than_its_request(incoming: Incoming, tmp_path: Path) -> None:
    with Arriving(incoming, 100) as arriving:
        await arriving.take(b"kept")
        upload = await arriving.whole("a.csv", "text/csv")
    upload.move_to(tmp_path / "kept.csv")
    upload.discard()
    assert (tmp_path / "kept.csv").read_bytes() == b"kept"


# Names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("letter.pdf", "letter.pdf"),
        ("Ngā tamariki – ōku.pdf", "Ngā tamariki – ōku.pdf"),
        ("../../etc/passwd", "passwd"),
        (r"C:\Users\kaiako\letter.pdf", "letter.pdf"),
        (r"..\..\letter.pdf", "letter.pdf"),
        ("/absolute/letter.pdf", "letter.pdf"),
        ("let\r\nter\x00\x1b[31m.pdf", "letter[31m.pdf"),
        ("annexe\u202efdp.exe", "annexefdp.exe"),
        ("a\u2066b\u2069c\u200e.pdf", "abc.pdf"),
        ("two\u2028lines.pdf", "twolines.pdf"),
        ("Ma\u0304ori.pdf", "Māori.pdf"),
        ("  letter.pdf ", "letter.pdf"),
    ],
)
def test_a_name_is_kept_as_a_name_and_nothing_more(given_name: str, kept: str) -> None:
    assert cleaned(given_name) == kept


@pytest.mark.parametrize("name", ["", "/", "folder/", "..", ".", "\x00\r\n", "\u202e", "   "])
async def test_a_file_without_a_name_is_refused(received: Receive, name: str) -> None:
    assert "no name" in refusal(await judge(received(PDF, name)))


async def test_a_name_has_255_characters_at_most(received: Receive) -> None:
    assert isinstance(await judge(received(PDF, "ā" * 251 + ".pdf")), Accepted)
    assert "256" in refusal(await judge(received(PDF, "ā" * 252 + ".pdf")))


@pytest.mark.parametrize(
    ("name", "media_type", "saved_as"),
    [
        ("letter.pdf", "application/pdf", "letter.pdf"),
        ("LETTER.PDF", "application/pdf", "LETTER.PDF"),
        ("photo.jpeg", "image/jpeg", "photo.jpeg"),
        ("offer.html", "text/plain", "offer.html.txt"),
        ("run.exe", "image/png", "run.exe.png"),
        ("letter.pdf.lnk", "application/pdf", "letter.pdf.lnk.pdf"),
        ("letter", "application/pdf", "letter.pdf"),
        (".pdf", "application/pdf", ".pdf.pdf"),
        ("of a kind no longer kept.exe", "application/x-msdownload", "of a kind no longer kept.exe.bin"),
    ],
)
def test_a_file_is_saved_under_the_extension_of_what_it_is(name: str, media_type: str, saved_as: str) -> None:
    assert download_name(name, media_type) == saved_as


@given(st.text(max_size=300))
def test_whatever_the_name_nothing_unseen_is_left_of_it(name: str) -> None:
    kept = cleaned(name)
    assert cleaned(kept) == kept
    assert not {"/", "\\", "\n", "\r", "\0", "\u202e"} & set(kept)
    kept.encode()
