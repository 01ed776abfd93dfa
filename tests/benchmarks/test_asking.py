"""Who asks what."""

import json
from collections import Counter
from pathlib import Path

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from benchmarks.asking import MIX, OPERATIONS, PEOPLE, Issuer, questions, text_of

NUMBERS = [f"{number:08d}" for number in range(100)]


def test_every_operation_is_there_and_asks_for_something() -> None:
    for operation in OPERATIONS:
        for question in questions(operation, NUMBERS):
            body = question.body()
            assert "\n" not in body
            assert json.loads(body)["query"] == text_of(question.operation)


def test_an_unknown_operation_is_told_from_known_ones() -> None:
    with pytest.raises(LookupError, match="no operation 'nothing'; there are home, case"):
        text_of("nothing")


def test_a_contenders_own_document_goes_before_ours(tmp_path: Path) -> None:
    (tmp_path / "home.graphql").write_text("{ theirs }")
    assert text_of("home", tmp_path) == "{ theirs }"
    assert text_of("case", tmp_path) == text_of("case")


def test_cases_that_get_comments_are_not_read_otherwise() -> None:
    read = {question.variables["number"] for question in questions("case", NUMBERS)}
    commented = {question.variables["number"] for question in questions("comment", NUMBERS)}
    assert len(read) == 80
    assert len(commented) == 20
    assert not read & commented


def test_the_mix_has_its_shares_and_is_the_same_each_time() -> None:
    mixed = questions("mix", NUMBERS)
    assert Counter(question.operation for question in mixed) == {name: share * 4 for name, share in MIX.items()}
    assert mixed == questions("mix", NUMBERS)
    assert mixed[: MIX["home"]] != sorted(mixed[: MIX["home"]], key=lambda question: question.operation)


def test_the_issuer_publishes_the_key_of_its_tokens(tmp_path: Path) -> None:
    with Issuer(tmp_path) as issuer:
        found = httpx.get(f"{issuer.address}/.well-known/openid-configuration").json()
        assert found["issuer"] == issuer.address
        published = httpx.get(found["jwks_uri"]).json()
        assert published == json.loads(issuer.jwks.read_text())
        assert "d" not in published["keys"][0]
        for who, (subject, address) in PEOPLE.items():
            claims = jwt.decode(issuer.token(who), KeySet.import_key_set(published)).claims
            assert (claims["sub"], claims["email"], claims["org_id"]) == (subject, address, "1234")
            assert issuer.token(who) == issuer.token(who)
        assert httpx.get(f"{issuer.address}/other").status_code == 404
    with Issuer(tmp_path) as again:
        assert json.loads(again.jwks.read_text()) == published
