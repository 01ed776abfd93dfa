"""Answers of contenders are the same as ours, or the difference is named."""

import pytest

from benchmarks.same import difference, values_differ, without_ids

ANSWER = {"case": {"number": "00307413", "open": True, "events": [{"kind": "NOTE"}], "pageInfo": {"endCursor": "abc"}}}


def test_the_same_answer_has_no_difference_whatever_its_cursors_and_the_order_of_its_members() -> None:
    theirs = {
        "case": {"pageInfo": {"endCursor": "xyz"}, "events": [{"kind": "NOTE"}], "open": True, "number": "00307413"}
    }
    assert difference(ANSWER, theirs) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"number": 307413}, "data.case.number is 307413, expected '00307413'"),
        ({"open": 1}, "data.case.open is 1, expected True"),
        ({"events": []}, "data.case.events has 0 items, expected 1"),
        ({"events": [{"kind": None}]}, "data.case.events.0.kind is None, expected 'NOTE'"),
        ({"pageInfo": {"endCursor": None}}, "data.case.pageInfo.endCursor is None, expected one"),
        ({"more": 1}, "data.case has the members ['events', 'more', 'number', 'open', 'pageInfo'], expected"),
    ],
)
def test_a_difference_is_named_by_its_path(change: dict[str, object], said: str) -> None:
    found = difference(ANSWER, {"case": ANSWER["case"] | change})
    assert found is not None
    assert found.startswith(said)


def test_the_order_of_a_list_counts() -> None:
    assert difference({"a": [1, 2]}, {"a": [2, 1]}) == "data.a.0 is 2, expected 1"


def test_values_are_compared_in_whatever_shape_they_come() -> None:
    ours = {"cases": {"nodes": [{"number": "1", "owner": {"name": "A"}}], "pageInfo": {"endCursor": "x"}}}
    assert values_differ(ours, {"all": [{"name": "A", "no": "1", "endCursor": "y"}]}) is None
    assert values_differ(ours, {"all": [{"name": "A", "no": "1", "manager": None}]}) is None
    assert values_differ(ours, {"all": [{"name": "A", "no": 1}]}) is not None
    assert values_differ(ours, {"all": [{"name": "A"}]}) == "the values differ: it lacks {\"'1'\": 1}; adds {}"
    assert values_differ(ours, {"all": [{"name": "A", "no": "1"}, {"name": "A"}]}) is not None


def test_identifiers_of_what_was_just_made_are_left_out() -> None:
    assert without_ids({"comment": {"id": "x", "body": "b"}, "list": [{"id": 1}]}) == {
        "comment": {"body": "b"},
        "list": [{}],
    }
