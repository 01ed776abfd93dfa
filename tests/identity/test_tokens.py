"""Only the issuer's own, living access tokens for this service are accepted, whatever a forger writes."""

import asyncio
import base64
import hashlib
import hmac
from typing import Any

import httpx
import pytest
from joserfc.jwk import OctKey, RSAKey
from joserfc.jws import serialize_compact
from pydantic import HttpUrl

from ascms.identity import IdentityUnavailable, TokenVerifier, Unauthenticated
from ascms.identity.keys import MAXIMUM_AGE, REFETCH_INTERVAL, RETRY_INTERVAL
from ascms.identity.tokens import MAXIMUM_TOKEN
from ascms.settings import Settings
from tests.support.issuer import ADDRESS, NOW, Issuer, ec_key, ed_key, encoded, rsa_key


async def refused(issuer: Issuer, token: str, **settings: Any) -> str:
    with pytest.raises(Unauthenticated) as refusal:
        await issuer.verifier(**settings).verify(token)
    assert refusal.value.error == "invalid_token"
    return refusal.value.message


async def test_a_good_token_gives_its_claims(issuer: Issuer) -> None:
    claims = await issuer.verifier().verify(issuer.token(org_id="1234"))
    assert claims["sub"] == "esl-1"
    assert claims["org_id"] == "1234"


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519", "EdDSA"])
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
async def test_elliptic_signatures_are_accepted(issuer: Issuer, algorithm: str) -> None:
    key = ec_key("curve") if algorithm == "ES256" else ed_key("edwards")
    issuer.keys.append(key)
    token = issuer.token(key=key, algorithm=algorithm)
    assert (await issuer.verifier().verify(token))["sub"] == "esl-1"


@pytest.mark.parametrize("typ", ["JWT", "application/at+jwt", "AT+JWT"])
async def test_types_that_access_tokens_have(issuer: Issuer, typ: str) -> None:
    assert await issuer.verifier().verify(issuer.token(typ=typ))


async def test_one_of_several_audiences_is_enough(issuer: Issuer) -> None:
    assert await issuer.verifier().verify(issuer.token(aud=["other", "ascms"]))


async def test_former_issuers_are_accepted_with_the_same_keys(issuer: Issuer) -> None:
    token = issuer.token(iss="http://127.0.0.1:8000")
    assert "issuer" in await refused(issuer, token)
    assert await issuer.verifier(former_issuers=("http://127.0.0.1:8000",)).verify(token)


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE"])
async def test_no_signature_is_no_signature(issuer: Issuer, name: str) -> None:
    unsigned = f"{encoded({'alg': name, 'typ': 'at+jwt', 'kid': 'one'})}.{encoded(issuer.claims())}."
    assert "algorithm" in await refused(issuer, unsigned)


@pytest.mark.parametrize("form", ["pem", "json"])
async def test_the_public_key_is_no_shared_secret(issuer: Issuer, form: str) -> None:
    public = issuer.keys[0].as_dict(private=False)
    secret = rsa_key("one").as_pem(private=False) if form == "pem" else encoded(public).encode()
    head = f"{encoded({'alg': 'HS256', 'typ': 'at+jwt', 'kid': 'one'})}.{encoded(issuer.claims())}"
    mac = base64.urlsafe_b64encode(hmac.digest(secret, head.encode(), hashlib.sha256)).rstrip(b"=").decode()
    assert "algorithm" in await refused(issuer, f"{head}.{mac}")


async def test_a_shared_secret_published_by_mistake_is_no_key(issuer: Issuer) -> None:
    secret = OctKey.generate_key(256, {"kid": "secret"})
    issuer.keys.append(secret)
    assert "algorithm" in await refused(issuer, issuer.token(key=secret, algorithm="HS256"))


@pytest.mark.parametrize(
    "header",
    [
        {"jku": "https://attacker.example/keys"},
        {"x5u": "https://attacker.example/chain"},
        {"x5c": ["MIIB"]},
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"b64": True, "crit": ["b64"]},
        {"jwk": rsa_key("attacker").as_dict(private=False)},
    ],
    ids="+".join,
)
async def test_a_header_cannot_bring_its_own_key_or_rules(issuer: Issuer, header: dict[str, Any]) -> None:
    attacker = rsa_key("attacker")
    head = f"{encoded({'alg': 'RS256', 'typ': 'at+jwt', 'kid': 'one', **header})}.{encoded(issuer.claims())}"
    signed = issuer.token(key=attacker, kid="one")
    await refused(issuer, f"{head}.{signed.rpartition('.')[2]}")
    assert issuer.asked["keys"] <= 1


async def test_a_foreign_key_under_a_known_name(issuer: Issuer) -> None:
    assert "signature" in await refused(issuer, issuer.token(key=rsa_key("attacker"), kid="one"))


async def test_a_key_of_another_kind_under_a_known_name(issuer: Issuer) -> None:
    await refused(issuer, issuer.token(key=ec_key("curve"), algorithm="ES256", kid="one"))


@pytest.mark.parametrize("kid", ["../../etc/passwd", "one' OR '1'='1", "", "\u0000", "ONE"])
async def test_invented_key_names(issuer: Issuer, kid: str) -> None:
    head = f"{encoded({'alg': 'RS256', 'typ': 'at+jwt', 'kid': kid})}.{encoded(issuer.claims())}"
    await refused(issuer, f"{head}.{issuer.token().rpartition('.')[2]}")


@pytest.mark.parametrize("kid", [["one"], {"one": 1}, 1])
async def test_key_names_that_are_no_text(issuer: Issuer, kid: object) -> None:
    head = f"{encoded({'alg': 'RS256', 'typ': 'at+jwt', 'kid': kid})}.{encoded(issuer.claims())}"
    await refused(issuer, f"{head}.{issuer.token().rpartition('.')[2]}")


async def test_without_a_key_name_only_a_single_key_is_certain(issuer: Issuer) -> None:
    key = rsa_key("one")
    token = issuer.token(key=type(key).import_key({**key.as_dict(private=True), "kid": "one"}), header={"kid": None})
    assert await issuer.verifier().verify(token)
    issuer.keys.append(rsa_key("two"))
    await refused(issuer, token)


async def test_a_key_for_encryption_signs_nothing(issuer: Issuer) -> None:
    issuer.keys.append(rsa_key("sealing", use="enc"))
    twin = rsa_key("sealing", use="enc").as_dict(private=True) | {"use": "sig"}
    await refused(issuer, issuer.token(key=RSAKey.import_key(twin)))


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_a_changed_token(issuer: Issuer, part: int) -> None:
    parts = issuer.token().split(".")
    if part == 1:
        parts[1] = encoded(issuer.claims(sub="esl-2"))
    elif part == 0:
        parts[0] = encoded({"alg": "RS256", "typ": "at+jwt", "kid": "one", "x": 1})
    else:
        parts[2] = ("A" if parts[2][0] != "A" else "B") + parts[2][1:]
    assert "signature" in await refused(issuer, ".".join(parts))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"iss": "https://attacker.example"}, "issuer"),
        ({"iss": f"{ADDRESS}.attacker.example"}, "issuer"),
        ({"iss": None}, "issuer"),
        ({"iss": [ADDRESS]}, "issuer"),
        ({"aud": "portal"}, "audience"),
        ({"aud": "ascms2"}, "audience"),
        ({"aud": ["portal"]}, "audience"),
        ({"aud": {"ascms": 1}}, "audience"),
        ({"aud": None}, "audience"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": "x" * 256}, "sub"),
        ({"exp": None}, "expires"),
        ({"exp": NOW - 31}, "expired"),
        ({"exp": "tomorrow"}, "exp"),
        ({"exp": True}, "exp"),
        ({"nbf": NOW + 31}, "not valid yet"),
        ({"nbf": "later"}, "nbf"),
        ({"iat": NOW + 31}, "future"),
        ({"iat": [NOW]}, "iat"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_claims_that_do_not_fit(issuer: Issuer, changed: dict[str, Any], said: str) -> None:
    assert said in await refused(issuer, issuer.token(**changed))


async def test_clocks_may_differ_a_little(issuer: Issuer) -> None:
    assert await issuer.verifier().verify(issuer.token(exp=NOW - 29, nbf=NOW + 29, iat=NOW + 29))


@pytest.mark.parametrize("typ", ["logout+jwt", "dpop+jwt", "secevent+jwt", "JOSE", "", None])
async def test_other_kinds_of_token(issuer: Issuer, typ: str | None) -> None:
    assert "type" in await refused(issuer, issuer.token(typ=typ))


@pytest.mark.parametrize("claim", ["nonce", "at_hash", "c_hash"])
async def test_an_id_token_is_not_an_access_token(issuer: Issuer, claim: str) -> None:
    more: dict[str, Any] = {claim: "x"}
    assert "ID token" in await refused(issuer, issuer.token(typ="JWT", **more))


@pytest.mark.parametrize(
    "token", ["x", "a.b.c", "..", "a.b", "a.b.c.d.e", "\x00.\x00.\x00", "e30.e30.e30", "W10.e30.e30", "bnVsbA.e30.e30"]
)
async def test_what_is_no_token(issuer: Issuer, token: str) -> None:
    await refused(issuer, token)


async def test_claims_that_are_no_object(issuer: Issuer) -> None:
    header = {"alg": "RS256", "typ": "at+jwt", "kid": "one"}
    for payload in (b"[]", b"1", b"null", b"{", b'{"exp": NaN}'):
        await refused(issuer, serialize_compact(header, payload, issuer.keys[0], ["RS256"]))


async def test_a_token_without_end_in_size_is_not_looked_at(issuer: Issuer) -> None:
    assert "longer" in await refused(issuer, "a" * (MAXIMUM_TOKEN + 1))
    assert issuer.asked.total() == 0


async def test_a_refusal_repeats_nothing_of_the_token(issuer: Issuer) -> None:
    message = await refused(issuer, issuer.token(iss="https://attacker.example", sub="secret-person"))
    assert "attacker" not in message
    assert "secret" not in message


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
    issuer.now += REFETCH_INTERVAL
    tokens = [issuer.token(jti=str(number)) for number in range(20)]
    await asyncio.gather(*(verifier.verify(token) for token in tokens))
    assert issuer.asked == {"discovery": 1, "keys": 2}


async def test_a_storm_of_invented_keys_reaches_the_issuer_once(issuer: Issuer) -> None:
    verifier = issuer.verifier()
    await verifier.verify(issuer.token())
    issuer.now += REFETCH_INTERVAL

    async def attack(number: int) -> None:
        with pytest.raises(Unauthenticated):
            await verifier.verify(issuer.token(kid=f"junk-{number}", key=rsa_key("attacker")))

    await asyncio.gather(*(attack(number) for number in range(50)))
    assert issuer.asked["keys"] == 2


async def test_a_withdrawn_key_stops_counting_also_for_known_tokens(issuer: Issuer) -> None:
    verifier, token = issuer.verifier(), issuer.token(exp=NOW + 2 * int(MAXIMUM_AGE))
    await verifier.verify(token)
    issuer.keys = [rsa_key("two")]
    issuer.now += MAXIMUM_AGE
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)


async def test_while_the_issuer_is_away_known_keys_go_on(issuer: Issuer) -> None:
    verifier = issuer.verifier()
    await verifier.verify(issuer.token())
    issuer.up = False
    issuer.now += MAXIMUM_AGE
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
