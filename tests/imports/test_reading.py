"""Lines of a CSV file, with their numbers, whatever else stands in it."""

import csv
import io

from hypothesis import given, strategies as st

from ascms.imports.reading import LONGEST_LINE, MOST_LINES, Reader, Record

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], include_characters="\n\t"), max_size=12)
ROWS = st.lists(st.lists(TEXT, min_size=2, max_size=2), max_size=8)


def read(content: bytes | str, width: int | None = None) -> list[Record]:
    reader = Reader(io.BytesIO(content.encode() if isinstance(content, str) else content))
    reader.width = width
    return list(reader)


def told(records: list[Record]) -> list[tuple[int, str]]:
    return [(record.line, record.reason) for record in records if record.reason is not None]


@given(ROWS, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_whatever_a_csv_writer_writes_is_read_with_its_lines(rows: list[list[str]], end: str, marked: bool) -> None:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator=end)
    expected = []
    for row in rows:
        expected.append(Record(file.getvalue().count("\n") + 1, row))
        writer.writerow(row)
    content = file.getvalue().encode("utf-8-sig" if marked and rows else "utf-8")
    assert read(content, 2) == expected


@given(
    st.lists(st.integers()),
    st.integers(0, 9),
    st.sampled_from(['"never closed,1', '"closed" too early,1', "x", "a,b,c"]),
)
def test_a_bad_line_costs_no_other(numbers: list[int], place: int, bad: str) -> None:
    lines = [f"{number},good" for number in numbers]
    place = min(place, len(lines))
    records = read("\n".join([*lines[:place], bad, *lines[place:]]), 2)
    assert [record.fields for record in records if record.reason is None] == [
        [str(number), "good"] for number in numbers
    ]
    assert [line for line, _ in told(records)] == [place + 1]


def test_a_record_that_spans_lines_wrongly_costs_none_of_them() -> None:
    records = read('x,"\n1,good\n",y\n', 2)
    assert [line for line, _ in told(records)] == [1, 3]
    assert records[1] == Record(2, ["1", "good"])


def test_empty_lines_are_passed_over_and_counted() -> None:
    assert [record.line for record in read("a,b\n\n\r\nc,d\n\n")] == [1, 4]


def test_a_last_line_needs_no_end() -> None:
    assert [record.fields for record in read("a,b\nc,d")] == [["a", "b"], ["c", "d"]]


def test_an_empty_file_has_no_records() -> None:
    assert read("") == []


def test_a_line_that_is_not_utf_8_is_told_and_reading_goes_on() -> None:
    records = read(b"a,b\nM\xe3ori,b\nc,d\n")
    assert told(records) == [(2, "is not UTF-8; save the file in that encoding")]
    assert [record.line for record in records] == [1, 2, 3]


def test_a_bad_line_within_quotes_is_told_and_so_is_the_record_it_breaks() -> None:
    assert [line for line, _ in told(read(b'a,b\n"c\n\xff",d\ne,f\n', 2))] == [2, 3]


def test_a_line_that_is_too_long_is_told_without_being_held() -> None:
    records = read("a,b\n" + "x" * (3 * LONGEST_LINE) + "\nc,d\n")
    assert told(records) == [(2, f"is longer than {LONGEST_LINE:,} bytes")]
    assert records[2] == Record(3, ["c", "d"])


def test_a_line_of_just_the_longest_length_is_read() -> None:
    line = "x" * (LONGEST_LINE - 3) + ",y"
    assert [len(record.fields) for record in read(line + "\n")] == [2]


def test_control_characters_are_told() -> None:
    assert told(read("a,b\nc\0,d\n")) == [(2, "has a control character")]


def test_a_field_may_have_so_many_lines_and_no_more() -> None:
    assert told(read('a,"' + "x\n" * (MOST_LINES - 1) + '"\n', 2)) == []
    assert told(read('a,"' + "x\n" * MOST_LINES + '"\n', 2))[0][0] == 1


def test_the_number_of_fields_is_that_of_the_header() -> None:
    assert told(read("a,b,c\nd,e\n", 2)) == [(1, "has 3 fields, and the header has 2")]


def test_reading_tells_how_many_bytes_it_has_read() -> None:
    reader = Reader(io.BytesIO(b"a,b\nc,d\n"))
    records = iter(reader)
    next(records)
    assert reader.bytes_read == 4
    assert list(records)
    assert reader.bytes_read == 8


def test_no_reason_repeats_what_stands_in_the_file() -> None:
    content = b'Hemi,secret,1\n"Hemi secret\nHemi\xff,secret\nHemi\0,secret\n' + b"Hemi" * LONGEST_LINE
    assert "Hemi" not in str(told(read(content, 2)))
    assert len(told(read(content, 2))) == 5
