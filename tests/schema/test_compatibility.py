"""What may change between releases, and what may not: judged by graphql-core, on the contract as `ascms` checks it."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from ascms.cli import main
from ascms.schema.compatibility import broken, noticeable

ROOT = Path(__file__).parents[2]
RELEASED = """
    enum Status { OPEN CLOSED @deprecated(reason: "It is DONE.") }
    input Filter { status: Status number: Int @deprecated(reason: "Nobody used it.") }
    interface Node { id: ID! }
    type Note implements Node { id: ID! text: String }
    type Case implements Node {
      id: ID!
      status: Status
      notes: [Note!] @deprecated(reason: "Use events.")
      events(first: Int, kind: Int @deprecated(reason: "All are shown.")): [Int!]
    }
    type Query { case(where: Filter): Case }
"""


def changed(*replacements: tuple[str, str]) -> str:
    text = RELEASED
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("status: Status\n", "", "Case.status"),
        ("      id: ID!\n", "      id: ID\n", "Case.id"),
        ("events(first: Int,", "events(", "Case.events(first:)"),
        ("OPEN ", "", "OPEN"),
        ("status: Status number", "number", "Filter.status"),
        ("where: Filter", "where: Filter!", "Query.case(where:)"),
        ("events(first: Int", "events(first: Int, last: Int!", "last"),
        ("type Case implements Node", "type Case", "Case"),
    ],
)
def test_what_clients_may_rely_on_stays(old: str, new: str, told: str) -> None:
    sentences = broken(RELEASED, changed((old, new)))
    assert sentences
    assert told in " ".join(sentences)


def test_what_was_deprecated_in_the_release_may_leave_with_what_only_it_led_to() -> None:
    after = changed(
        (' CLOSED @deprecated(reason: "It is DONE.")', " DONE"),
        (' number: Int @deprecated(reason: "Nobody used it.")', ""),
        ('      notes: [Note!] @deprecated(reason: "Use events.")\n', ""),
        (', kind: Int @deprecated(reason: "All are shown.")', ""),
        ("    type Note implements Node { id: ID! text: String }\n", ""),
    )
    assert broken(RELEASED, after) == []
    assert any("DONE" in sentence for sentence in noticeable(RELEASED, after))


def test_what_is_only_deprecated_now_stays() -> None:
    """The mark has to have been in a release: those who read it had time."""
    released = changed(('notes: [Note!] @deprecated(reason: "Use events.")', "notes: [Note!]"))
    after = changed(('      notes: [Note!] @deprecated(reason: "Use events.")\n', ""))
    assert any("Case.notes" in sentence for sentence in broken(released, after))


def test_a_type_that_something_else_leads_to_stays() -> None:
    released = RELEASED.replace("where: Filter): Case", "where: Filter): Case note: Note")
    after = RELEASED.replace("    type Note implements Node { id: ID! text: String }\n", "").replace(
        '      notes: [Note!] @deprecated(reason: "Use events.")\n', ""
    )
    assert any("Note " in sentence for sentence in broken(released, after))


def test_additions_are_free() -> None:
    after = changed(
        ("status: Status\n", "status: Status closedAt: Int\n"), ("events(first: Int", "events(last: Int, first: Int")
    )
    assert broken(RELEASED, after) == []


def test_the_contract_of_today_breaks_no_client_of_the_release() -> None:
    """`make check` asks the same; here it is shown that it fails when it should, and says what to do."""
    with_more = ROOT / "schema.released.graphql"
    assert broken(with_more.read_text(), (ROOT / "schema.graphql").read_text()) == []


def test_a_break_is_named_with_what_to_do(tmp_path: Path) -> None:
    published = (ROOT / "schema.graphql").read_text()
    released = tmp_path / "released.graphql"
    released.write_text(
        published.replace("type Case implements Node {", "type Case implements Node {\n  mood: String\n")
    )
    assert released.read_text() != published
    ended = CliRunner().invoke(
        main, ["schema", "check", "--against", str(ROOT / "schema.graphql"), "--released", str(released)]
    )
    assert ended.exit_code == 1
    assert "Breaks clients of the last release: Field Case.mood was removed." in ended.output
    assert "@deprecated" in ended.output


def test_a_release_that_is_not_there_is_said(tmp_path: Path) -> None:
    missing = tmp_path / "none.graphql"
    ended = CliRunner().invoke(
        main, ["schema", "check", "--against", str(ROOT / "schema.graphql"), "--released", str(missing)]
    )
    assert ended.exit_code == 1
    assert f"there is no {missing}" in ended.output
