"""What is accepted as a token, and when the issuer is asked for its keys: by a clock of the tests' own.

What is refused stands in tests/contract/token_attacks.py.
"""

import asyncio
import json
from typing import Any

import httpx
import pytest
from joserfc.jwk import Key, RSAKey
from pydantic import HttpUrl

from ascms.identity import IdentityUnavailable, TokenVerifier, Unauthenticated
from ascms.identity.keys import RETRY_INTERVAL
from ascms.settings import Settings
from tests.support.issuer import NOW, Issuer, ec_key, ed_key, rsa_key

AGE = Settings().issuer_keys_age
PAUSE = Settings().issuer_keys_pause
LIFETIME = Settings().token_lifetime


async def refused(issuer: Issuer, token: str, **settings: Any) -> str:
    with pytest.raises(Unauthenticated) as refusal:
        await issuer.verifier(**settings).verify(token)
    assert refusal.value.error == "invalid_token"
    return refusal.value.message


async def test_a_good_token_gives_its_claims(issuer: Issuer) -> None:
    claims = await issuer.verifier().verify(issuer.token(org_id="1234"))
    assert claims["sub"] == "esl-1"
    assert claims["org_id"] == "1234"


def _key(algorithm: str) -> Key:
    if algorithm.startswith("E"):
        return ec_key("curve") if algorithm == "ES256" else ed_key("edwards")
    return RSAKey.generate_key(2048, {"kid": "plain"})


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "Ed25519", "EdDSA"])
async def test_an_algorithm_is_accepted_where_it_is_configured(issuer: Issuer, algorithm: str) -> None:
    key = _key(algorithm)
    issuer.keys.append(key)
    token = issuer.token(key=key, algorithm=algorithm)
    assert (await issuer.verifier().verify(token))["sub"] == "esl-1"
    assert await issuer.verifier(token_algorithms=(algorithm,)).verify(token)
    assert "must be one of RS512" in await refused(issuer, token, token_algorithms=("RS512",))


@pytest.mark.parametrize("algorithm", ["none", "HS256", "HS512", "dir", ""])
def test_no_other_algorithm_can_be_configured(algorithm: str) -> None:
    with pytest.raises(ValueError, match="token_algorithms"):
        Settings(token_algorithms=(algorithm,))
    with pytest.raises(ValueError, match="token_algorithms"):
        Settings(token_algorithms=())


@pytest.mark.parametrize("typ", ["JWT", "application/at+jwt", "AT+JWT"])
async def test_types_that_access_tokens_have(issuer: Issuer, typ: str) -> None:
    assert await issuer.verifier().verify(issuer.token(typ=typ))


async def test_one_of_several_audiences_is_enough(issuer: Issuer) -> None:
    assert await issuer.verifier().verify(issuer.token(aud=["other", "ascms"]))


async def test_former_issuers_are_accepted_with_the_same_keys(issuer: Issuer) -> None:
    token = issuer.token(iss="http://127.0.0.1:8000")
    assert "issuer" in await refused(issuer, token)
    assert await issuer.verifier(former_issuers=("http://127.0.0.1:8000",)).verify(token)


async def test_without_a_key_name_only_a_single_key_is_certain(issuer: Issuer) -> None:
    key = rsa_key("one")
    token = issuer.token(key=type(key).import_key({**key.as_dict(private=True), "kid": "one"}), header={"kid": None})
    assert await issuer.verifier().verify(token)
    issuer.keys.append(rsa_key("two"))
    await refused(issuer, token)


async def test_clocks_may_differ_a_little(issuer: Issuer) -> None:
    assert await issuer.verifier().verify(issuer.token(exp=NOW - 29, nbf=NOW + 29, iat=NOW + 29))


async def test_a_known_token_expires_nevertheless(issuer: Issuer) -> None:
    verifier, token = issuer.verifier(), issuer.token(exp=NOW + 60)
    await verifier.verify(token)
    issuer.now += 91
    with pytest.raises(Unauthenticated, match="expired"):
        await verifier.verify(token)


async def test_a_new_key_is_found_with_one_more_look(issuer: Issuer) -> None:
    verifier = issuer.verifier()
    await verifier.verify(issuer.token())
    issuer.keys.insert(0, rsa_key("two"))
    issuer.now += PAUSE
    tokens = [issuer.token(jti=str(number)) for number in range(20)]
    await asyncio.gather(*(verifier.verify(token) for token in tokens))
    assert issuer.asked == {"discovery": 1, "keys": 2}


async def test_a_storm_of_invented_keys_reaches_the_issuer_once(issuer: Issuer) -> None:
    verifier = issuer.verifier()
    await verifier.verify(issuer.token())
    issuer.now += PAUSE

    async def attack(number: int) -> None:
        with pytest.raises(Unauthenticated):
            await verifier.verify(issuer.token(kid=f"junk-{number}", key=rsa_key("attacker")))

    await asyncio.gather(*(attack(number) for number in range(50)))
    assert issuer.asked["keys"] == 2


async def test_a_withdrawn_key_stops_counting_also_for_known_tokens(issuer: Issuer) -> None:
    verifier, token = issuer.verifier(), issuer.token(exp=NOW + 2 * int(AGE))
    await verifier.verify(token)
    issuer.keys = [rsa_key("two")]
    issuer.now += AGE
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)


async def test_while_the_issuer_is_away_known_keys_go_on(issuer: Issuer) -> None:
    verifier = issuer.verifier()
    await verifier.verify(issuer.token())
    issuer.up = False
    issuer.now += AGE
    assert await verifier.verify(issuer.token(jti="another"))
    with pytest.raises(IdentityUnavailable):
        await verifier.verify(issuer.token(key=rsa_key("two")))


async def test_nothing_is_known_while_the_issuer_was_never_there(issuer: Issuer) -> None:
    verifier = issuer.verifier()
    issuer.up = False
    for _ in range(5):
        with pytest.raises(IdentityUnavailable):
            await verifier.verify(issuer.token())
    assert issuer.asked.total() == 1
    issuer.up = True
    issuer.now += RETRY_INTERVAL
    assert await verifier.verify(issuer.token())


async def test_an_issuer_that_cannot_be_connected_to() -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        # Port 1 of this machine: nobody listens there.
        verifier = TokenVerifier(Settings(issuer=HttpUrl("http://127.0.0.1:1")), http)
        with pytest.raises(IdentityUnavailable):
            await verifier.verify(Issuer().token())


async def test_a_discovery_document_of_another_issuer_is_not_used(issuer: Issuer) -> None:
    issuer.named = "https://attacker.example"
    with pytest.raises(IdentityUnavailable):
        await issuer.verifier().verify(issuer.token())
    assert issuer.asked["keys"] == 0


async def test_an_issuer_must_be_named() -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(ValueError, match="ASCMS_ISSUER"):
            TokenVerifier(Settings(), http)


PUBLISHED = [rsa_key("one").as_dict(private=False)]
RUBBISH: dict[str, Any] = {
    "no JSON": b"<html>",
    "nothing": b"",
    "no object": [],
    "no keys": {},
    "keys of no list": {"keys": {"one": {}}},
    "an empty set": {"keys": []},
    "keys that are none": {"keys": [None, 1, "x", [], {}, {"kty": ["RSA"]}, {"kty": "RSA"}, {"kty": "EC", "crv": []}]},
    "only keys for other things": {"keys": [{**PUBLISHED[0], "use": "enc"}, {**PUBLISHED[0], "key_ops": ["sign"]}]},
    "only shared secrets": {"keys": [{"kty": "oct", "k": "AAAA", "kid": "one"}]},
    "names of other kinds": {"keys": [{**PUBLISHED[0], "kid": ["one"]}, {**PUBLISHED[0], "kid": {"one": 1}}]},
    "brackets without end": b'{"keys":' + b"[" * 200_000,
    "more than is read": {"keys": PUBLISHED, "padding": "x" * 300_000},
    "bytes that are no text": b'{"keys": "\xff"}',
}


@pytest.mark.parametrize("rubbish", RUBBISH)
async def test_rubbish_takes_no_key_away(issuer: Issuer, rubbish: str) -> None:
    verifier = issuer.verifier()
    await verifier.verify(issuer.token())
    published = RUBBISH[rubbish]
    issuer.instead = published if isinstance(published, bytes) else json.dumps(published).encode()
    issuer.now += AGE
    assert await verifier.verify(issuer.token(jti="2"))
    assert issuer.asked["keys"] == 2
    with pytest.raises(IdentityUnavailable):
        await verifier.verify(issuer.token(kid="two"))
    issuer.instead = None
    issuer.now += RETRY_INTERVAL
    assert await verifier.verify(issuer.token(jti="3"))


async def test_a_good_key_among_rubbish_counts(issuer: Issuer) -> None:
    keys = [*RUBBISH["keys that are none"]["keys"], *RUBBISH["names of other kinds"]["keys"], *PUBLISHED]
    issuer.instead = json.dumps({"keys": keys}).encode()
    assert await issuer.verifier().verify(issuer.token())


async def test_keys_that_nobody_confirmed_for_as_long_as_a_token_may_live_count_no_more(issuer: Issuer) -> None:
    verifier = issuer.verifier()
    await verifier.verify(issuer.token())
    issuer.up = False
    issuer.now += LIFETIME - 1
    assert await verifier.verify(issuer.token())
    issuer.now += 1
    with pytest.raises(IdentityUnavailable, match="too long"):
        await verifier.verify(issuer.token())
    issuer.up = True
    issuer.now += RETRY_INTERVAL
    assert await verifier.verify(issuer.token())


@pytest.mark.parametrize("jump", [-10 * 365 * 86_400, 10 * 365 * 86_400])
async def test_a_clock_that_jumps_changes_nothing_about_the_keys(issuer: Issuer, jump: int) -> None:
    """Set wrongly at the start and put right afterwards: keys are still found, and no oftener than before."""
    ticks = 0.0
    verifier = TokenVerifier(issuer.settings(), issuer.http, clock=lambda: issuer.now, ticks=lambda: ticks)
    await verifier.verify(issuer.token())
    issuer.now += jump
    issuer.keys = [rsa_key("two")]
    with pytest.raises(Unauthenticated):
        await verifier.verify(issuer.token())
    assert issuer.asked["keys"] == 1
    ticks += PAUSE
    assert await verifier.verify(issuer.token())


async def test_a_slow_issuer_keeps_nobody_with_a_known_key_waiting(issuer: Issuer) -> None:
    verifier = issuer.verifier()
    await verifier.verify(issuer.token())
    issuer.answers = False
    issuer.now += AGE
    many = [verifier.verify(issuer.token(jti=str(number))) for number in range(20)]
    assert len(await asyncio.gather(*many)) == 20
    assert issuer.asked["keys"] == 2
    await verifier.aclose()


async def test_a_look_goes_on_when_who_led_to_it_leaves(issuer: Issuer) -> None:
    verifier = issuer.verifier()
    issuer.answers = False
    leaving = asyncio.create_task(verifier.verify(issuer.token()))
    while not issuer.asked["keys"]:  # noqa: ASYNC110 (a counter, not an event)
        await asyncio.sleep(0)
    leaving.cancel()
    issuer.answers = True
    assert await verifier.verify(issuer.token())
    assert issuer.asked["keys"] == 1
