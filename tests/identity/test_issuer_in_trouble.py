"""An issuer that is slow, answers rubbish or is made to be asked again and again, from outside."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.support.databases import Databases
from tests.support.installation import Installation
from tests.support.issuer import LiveIssuer, rsa_key

ME = "{ viewer { roles } }"


@pytest.fixture(scope="module")
def issuer() -> Iterator[LiveIssuer]:
    with LiveIssuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def server(
    issuer: LiveIssuer, databases_of: Callable[[str], Databases], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    from ascms.database import upgrade

    databases = databases_of("sqlite")
    url = databases.copy("migrated", upgrade)
    folder = tmp_path_factory.mktemp("troubled")
    with Installation(url, folder, issuer.address, issuer_keys_age="0.1", issuer_keys_pause="0.1") as server:
        yield server
        assert "Traceback" not in server.log()
    databases.drop(url)


def test_an_issuer_that_does_not_answer_holds_nobody_up_who_has_a_known_key(
    issuer: LiveIssuer, server: Installation
) -> None:
    """Also for tokens never seen before; who has an unknown key is told to come again, once it has been tried."""
    assert server.send(issuer.token(), ME).status == 200
    issuer.answers = False
    try:
        asked = issuer.asked["keys"]
        while issuer.asked["keys"] == asked:
            assert server.send(issuer.token(), ME).status == 200
        for number in range(20):
            assert server.send(issuer.token(jti=f"slow-{number}"), ME).status == 200
        away = server.send(issuer.token(key=rsa_key("two")), ME)
        assert (away.status, away.codes) == (503, ["UNAVAILABLE"])
    finally:
        issuer.answers = True


@pytest.mark.parametrize(
    "rubbish", [b"<html>", b'{"keys": []}', b'{"keys": [{"kty": ["RSA"], "kid": []}, null]}', b"[" * 9999]
)
def test_rubbish_signs_nobody_out(issuer: LiveIssuer, server: Installation, rubbish: bytes) -> None:
    token = issuer.token()
    while server.send(token, ME).status != 200:
        time.sleep(0.02)
    issuer.instead = rubbish
    try:
        asked = issuer.asked["keys"]
        while issuer.asked["keys"] < asked + 2:
            assert server.send(token, ME).status == 200
        assert server.send(issuer.token(key=rsa_key("two")), ME).status == 503
    finally:
        issuer.instead = None
    while server.send(issuer.token(key=rsa_key("two")), ME).status != 401:
        time.sleep(0.02)
    assert server.send(token, ME).status == 200


def test_invented_key_names_are_not_an_ask_each(issuer: LiveIssuer, server: Installation) -> None:
    asked = issuer.asked["keys"]
    started = issuer.moment()
    for number in range(200):
        assert server.send(issuer.token(key=rsa_key("attacker"), kid=f"junk-{number}"), ME).status in {401, 503}
    # One a pause, however long the machine took; and one that was under way.
    assert issuer.asked["keys"] - asked <= (issuer.moment() - started) / 0.1 + 2
