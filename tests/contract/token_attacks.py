"""Forged, spoilt and misused tokens, each with its name: a good token with one thing wrong about it."""

import base64
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from joserfc import jwe
from joserfc.jwk import Key, OctKey, RSAKey

from tests.support.issuer import Issuer, ec_key, ed_key, encoded, part, rsa_key, short_key, signed

HOUR: Final = 3600
YEAR: Final = 365 * 24 * HOUR

Attack = Callable[["Forger"], str]

SEALING: Final = RSAKey.import_key(rsa_key("sealing", use="enc").as_dict(private=True) | {"use": "sig"})


class Forger:
    """What an attacker has: a good token of the victim's, the published keys, and a key of their own.

    Where a token is spoilt in a way that only the issuer could, it has the issuer's true signature: no other check
    than the one it is about refuses it.
    """

    def __init__(self, issuer: Issuer, subject: str) -> None:
        self.issuer = issuer
        self.subject = subject
        self.good = self.issue()
        self.attacker = rsa_key("attacker")

    def claims(self, **changed: Any) -> dict[str, Any]:
        return self.issuer.claims(**({"sub": self.subject, "org_id": "1234"} | changed))

    def issue(self, header: Mapping[str, Any] | None = None, key: Key | None = None, **changed: Any) -> str:
        """A token with the issuer's signature, or that of `key`; None in `header` and `changed` takes a member out."""
        whole = {"alg": "RS256", "typ": "at+jwt", "kid": "one"} | dict(header or {})
        kept = {name: value for name, value in whole.items() if value is not None}
        return self.written(self.body(**changed), json.dumps(kept).encode(), key)

    def written(self, payload: str | bytes, header: bytes | None = None, key: Key | None = None) -> str:
        """A token of these very bytes, with the issuer's signature."""
        head = header or json.dumps({"alg": "RS256", "typ": "at+jwt", "kid": "one"}).encode()
        body = payload.encode() if isinstance(payload, str) else payload
        return signed(head, body, key or self.issuer.keys[0])

    def replaced(self, **claims: Any) -> str:
        """With these claims in place of others, null too."""
        return self.written(json.dumps(self.claims() | claims))

    def after(self, seconds: int) -> int:
        """So many seconds from now."""
        return int(self.issuer.moment()) + seconds

    def body(self, **changed: Any) -> str:
        return json.dumps(self.claims(**changed))

    def foreign(self, **header: Any) -> str:
        """Signed with the attacker's key, whose header says where to find it."""
        return self.issue({"kid": "attacker"} | header, self.attacker)

    def unsigned(self, algorithm: object, signature: str = "") -> str:
        return f"{encoded({'alg': algorithm, 'typ': 'at+jwt', 'kid': 'one'})}.{encoded(self.claims())}.{signature}"

    def shared(self, algorithm: str, secret: bytes, kid: str = "one") -> str:
        """Signed with a shared secret."""
        head = f"{encoded({'alg': algorithm, 'typ': 'at+jwt', 'kid': kid})}.{encoded(self.claims())}"
        digest = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}[algorithm]
        return f"{head}.{part(hmac.digest(secret, head.encode(), digest))}"

    def said(self, algorithm: str, kid: str, signature: bytes) -> str:
        """A good token's claims under another algorithm, with a signature made up."""
        return f"{encoded({'alg': algorithm, 'typ': 'at+jwt', 'kid': kid})}.{encoded(self.claims())}.{part(signature)}"

    def parts(self) -> list[str]:
        return self.good.split(".")


def each(what: str, values: Iterable[Any], forge: Callable[[Forger, Any], str]) -> dict[str, Attack]:
    """An attack for each of the values."""
    return {f"{what} {value!r}": partial(_with, forge, value) for value in values}


def _with(forge: Callable[[Forger, Any], str], value: Any, at: Forger) -> str:
    return forge(at, value)


def _public(form: str) -> bytes:
    key = rsa_key("one")
    return {
        "PEM": key.as_pem(private=False),
        "PEM without its last line break": key.as_pem(private=False).rstrip(),
        "DER": key.as_der(private=False),
        "JWK": json.dumps(key.as_dict(private=False)).encode(),
        "modulus": str(key.as_dict(private=False)["n"]).encode(),
        "nothing": b"",
    }[form]


_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256."""

ALGORITHM: dict[str, Attack] = {
    **each(
        "no signature, alg",
        ("none", "None", "NONE", "nOnE", "none ", " none", "n\u043ene", "", None, False, ["none"], {}),
        Forger.unsigned,
    ),
    "alg none with the true signature": lambda at: at.unsigned("none", at.parts()[2]),
    "alg RS256 and no signature": lambda at: at.unsigned("RS256"),
    "no alg": lambda at: f"{encoded({'typ': 'at+jwt', 'kid': 'one'})}.{at.parts()[1]}.{at.parts()[2]}",
    "alg in other letters": lambda at: at.unsigned("rs256", at.parts()[2]),
    **each(
        "HS256, its secret the public key as",
        ("PEM", "PEM without its last line break", "DER", "JWK", "modulus", "nothing"),
        lambda at, form: at.shared("HS256", _public(form)),
    ),
    "HS384 with the public key as secret": lambda at: at.shared("HS384", _public("PEM")),
    "HS512 with the public key as secret": lambda at: at.shared("HS512", _public("PEM")),
    "HS256 with a secret that is published by mistake": lambda at: at.shared("HS256", b"p" * 32, "secret"),
    "an algorithm that is not configured": lambda at: at.issuer.token(algorithm="RS512", **at.claims()),
    "RS256 with a key that is published for ES256": lambda at: at.said("RS256", "curve", b"\1" * 64),
    "ES256 with a key that is published for RS256": lambda at: at.said("ES256", "one", b"\1" * 64),
    "EdDSA with a key that is published for ES256": lambda at: at.said("EdDSA", "curve", b"\1" * 64),
    "ES256, r and s nought": lambda at: at.said("ES256", "curve", bytes(64)),
    "ES256, r and s the order": lambda at: at.said("ES256", "curve", _ORDER.to_bytes(32, "big") * 2),
    "ES256 in DER": lambda at: at.said("ES256", "curve", bytes.fromhex("3006020101020101")),
    "Ed25519, all nought": lambda at: at.said("EdDSA", "edwards", bytes(64)),
    "Ed25519, the neutral point": lambda at: at.said("EdDSA", "edwards", b"\1" + bytes(63)),
    "PS256, its signature one of RS256": lambda at: at.said(
        "PS256", "one", base64.urlsafe_b64decode(at.parts()[2] + "==")
    ),
}

FOREIGN_KEY: dict[str, Attack] = {
    "a foreign key under a known name": lambda at: at.foreign(kid="one"),
    "a foreign key under its own name": lambda at: at.foreign(),
    "a foreign key without a name": lambda at: at.foreign(kid=None),
    "jwk": lambda at: at.foreign(jwk=at.attacker.as_dict(private=False)),
    "jwk under a known name": lambda at: at.foreign(kid="one", jwk=at.attacker.as_dict(private=False)),
    "jwk beside the true signature": lambda at: at.issue({"jwk": at.attacker.as_dict(private=False)}),
    "jku of the attacker": lambda at: at.foreign(jku=f"{at.issuer.address}/attacker/keys"),
    "jku of the issuer, then elsewhere": lambda at: at.foreign(jku=f"{at.issuer.address}/keys/../attacker/keys"),
    "jku of a file": lambda at: at.foreign(jku="file:///etc/passwd"),
    "x5u": lambda at: at.foreign(x5u=f"{at.issuer.address}/attacker/chain"),
    "x5c": lambda at: at.foreign(x5c=[base64.b64encode(at.attacker.as_der(private=False)).decode()]),
    "kid that is an address": lambda at: at.foreign(kid=f"{at.issuer.address}/attacker/keys"),
}

KEY_NAME: dict[str, Attack] = {
    **each(
        "kid",
        (
            "",
            "ONE",
            "one ",
            "one\u0000",
            "one\n",
            "../../../../dev/null",
            "/etc/passwd",
            "one' OR '1'='1",
            "one'; DROP TABLE user_account; --",
            "{{7*7}}",
            "$(id)",
            "ōne",
            1,
            True,
            ["one"],
            {"one": 1},
            [],
            {},
        ),
        lambda at, kid: at.issue({"kid": kid}),
    ),
    "kid of 300 characters": lambda at: at.issue({"kid": "k" * 300}),
    "kid of 5,000 characters": lambda at: at.issue({"kid": "k" * 5000}),
    "no kid, where the issuer has several keys": lambda at: at.issue({"kid": None}),
    "kid of a key for encryption": lambda at: at.issue({"kid": "sealing"}, SEALING),
    "kid of a key that is too short": lambda at: at.issue({"kid": "short"}, short_key("short")),
}


RULES: dict[str, Attack] = {
    "crit that names a claim": lambda at: at.issue({"crit": ["exp"], "exp": 1}),
    "crit that is empty": lambda at: at.issue({"crit": []}),
    "crit that is no list": lambda at: at.issue({"crit": "exp"}),
    "crit that names an invention": lambda at: at.issue({"crit": ["admin"], "admin": True}),
    "b64 false": lambda at: at.issue({"b64": False, "crit": ["b64"]}),
    "b64 true": lambda at: at.issue({"b64": True, "crit": ["b64"]}),
    "b64 without crit": lambda at: at.issue({"b64": False}),
    "zip": lambda at: at.issue({"zip": "DEF"}),
    "a name twice in the header": lambda at: at.written(
        at.body(), b'{"alg": "none", "typ": "at+jwt", "kid": "one", "alg": "RS256"}'
    ),
    "a header that is a list": lambda at: at.written(at.body(), b'["RS256"]'),
    "a header that is null": lambda at: at.written(at.body(), b"null"),
    "a header of 300 brackets": lambda at: at.written(at.body(), b"[" * 300),
}

KIND: dict[str, Attack] = {
    **each(
        "typ",
        (
            "logout+jwt",
            "dpop+jwt",
            "secevent+jwt",
            "token-introspection+jwt",
            "JOSE",
            "rt+jwt",
            "at+jwt ",
            "at",
            "",
            1,
            ["at+jwt"],
            {},
            None,
        ),
        lambda at, typ: at.issue({"typ": typ}),
    ),
    "an ID token": lambda at: at.issue({"typ": "JWT"}, nonce="n-1", at_hash="x", client_id=None),
    "an ID token without a nonce": lambda at: at.issue({"typ": "JWT"}, client_id=None, azp="ascms", auth_time=1),
    "an ID token that says so": lambda at: at.issue({"typ": "JWT"}, typ="ID", scope="openid"),
    "an ID token of another maker": lambda at: at.issue({"typ": "JWT"}, token_use="id", scope="openid"),
    "an ID token with a scope": lambda at: at.issue({"typ": "JWT"}, c_hash="x", scope="openid"),
    "a logout token": lambda at: at.issue(
        {"typ": "JWT"}, events={"http://schemas.openid.net/event/backchannel-logout": {}}, sid="s-1"
    ),
    "a logout token as access token": lambda at: at.issue(events={}),
    "a refresh token": lambda at: at.issue(typ="Refresh"),
    "a use that is no text": lambda at: at.issue(token_use=["access"]),
}

CLAIMS: dict[str, Attack] = {
    **each("iss", ("https://attacker.example", "", None, [], 7), lambda at, issuer: at.replaced(iss=issuer)),
    "no iss": lambda at: at.issue(iss=None),
    "iss that begins alike": lambda at: at.issue(iss=f"{at.issuer.address}.attacker.example"),
    "iss that ends alike": lambda at: at.issue(iss=f"https://attacker.example/{at.issuer.address}"),
    "iss below ours": lambda at: at.issue(iss=f"{at.issuer.address}/realms/other"),
    "iss with a user": lambda at: at.issue(iss=at.issuer.address.replace("://", "://attacker@")),
    "iss with two slashes": lambda at: at.issue(iss=f"{at.issuer.address}//"),
    "iss among others": lambda at: at.issue(iss=[at.issuer.address]),
    **each(
        "aud",
        ("portal", "ascms2", "ASCMS", "ascms ", "", None, ["portal"], ["portal", ["ascms"]], [], {"ascms": 1}, 7),
        lambda at, audience: at.replaced(aud=audience),
    ),
    "no aud": lambda at: at.issue(aud=None),
    **each(
        "sub",
        ("", None, 7, True, ["esl-1"], "a\u0000b", "a\nb", "client:portal"),
        lambda at, subject: at.replaced(sub=subject),
    ),
    "no sub": lambda at: at.issue(sub=None),
    "sub of 256 characters": lambda at: at.issue(sub="x" * 256),
    "a scope that is no text": lambda at: at.issue(scope={"role:OFFICE_SUPPORT": True}),
    "a scope among whose parts is no text": lambda at: at.issue(scope=["role:OFFICE_SUPPORT", 7]),
    "an organisation that is no number": lambda at: at.issue(org_id=["1234", "1235"]),
    "sub twice": lambda at: at.written(at.body(sub="esl-nobody")[:-1] + f', "sub": "{at.subject}"}}'),
    "sub twice, once in disguise": lambda at: at.written(at.body()[:-1] + f', "s\\u0075b": "{at.subject}"}}'),
    "exp twice": lambda at: at.written(at.body(exp=1)[:-1] + f', "exp": {at.after(HOUR)}}}'),
    **each(
        "claims",
        ("[]", "1", "null", '"x"', "", "{", '{"exp": NaN}', "{'sub': 1}", b"\xff\xfe{}", b"\xef\xbb\xbf{}"),
        Forger.written,
    ),
    "claims 2,000 brackets deep": lambda at: at.written('{"a":' + "[" * 2000 + "]" * 2000 + "}"),
    "a lone surrogate": lambda at: at.written(at.body()[:-1] + ', "name": "\\ud800"}'),
}


TIME: dict[str, Attack] = {
    "expired": lambda at: at.issue(exp=at.after(-60)),
    "expired for long": lambda at: at.issue(exp=1),
    "no exp": lambda at: at.issue(exp=None),
    "exp null": lambda at: at.replaced(exp=None),
    "exp nought": lambda at: at.issue(exp=0),
    "exp below nought": lambda at: at.issue(exp=-1),
    "exp as text": lambda at: at.issue(exp=str(at.after(HOUR))),
    "exp true": lambda at: at.issue(exp=True),
    "exp in a list": lambda at: at.issue(exp=[at.after(HOUR)]),
    "exp in two days": lambda at: at.issue(exp=at.after(48 * HOUR)),
    "exp in ten years": lambda at: at.issue(exp=at.after(10 * YEAR)),
    "exp in milliseconds": lambda at: at.issue(exp=at.after(HOUR) * 1000),
    "exp 1e308": lambda at: at.issue(exp=1e308),
    "exp without end": lambda at: at.written(at.body(exp=1).replace('"exp": 1,', '"exp": 1e999,')),
    "exp of 400 digits": lambda at: at.written(at.body(exp=1).replace('"exp": 1,', f'"exp": {"9" * 400},')),
    "not yet valid": lambda at: at.issue(nbf=at.after(120)),
    "nbf as text": lambda at: at.issue(nbf="later"),
    "issued in the future": lambda at: at.issue(iat=at.after(120)),
    "issued in a year": lambda at: at.issue(iat=at.after(YEAR)),
    "iat in a list": lambda at: at.issue(iat=[1]),
}


def _sealed(at: Forger) -> str:
    """A JWE to the issuer's public key, with a good token in it."""
    header = {"alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "JWT", "kid": "one", "typ": "at+jwt"}
    key = RSAKey.import_key({**rsa_key("one").as_dict(private=False), "alg": "RSA-OAEP-256", "use": "enc"})
    registry = jwe.JWERegistry(algorithms=["RSA-OAEP-256", "A256GCM"])
    return jwe.encrypt_compact(header, at.good.encode(), key, registry=registry)


def _last_bits(at: Forger) -> str:
    """The good token, its signature's unused last bits set: decoders that do not look read the same bytes."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return at.good[:-1] + letters[letters.index(at.good[-1]) + 1]


def _swapped(at: Forger, place: int, value: str) -> str:
    parts = at.parts()
    parts[place] = value
    return ".".join(parts)


FORM: dict[str, Attack] = {
    "the signature stripped": lambda at: _swapped(at, 2, ""),
    "the signature and its dot stripped": lambda at: at.good.rpartition(".")[0],
    "the signature cut short": lambda at: at.good[:-1],
    "half a signature": lambda at: at.good[:-171],
    "another token's signature": lambda at: _swapped(at, 2, at.issue(jti="2").rpartition(".")[2]),
    "other claims under the same signature": lambda at: _swapped(at, 1, encoded(at.claims(sub="esl-000001"))),
    "another header over the same signature": lambda at: _swapped(
        at, 0, encoded({"alg": "RS256", "typ": "at+jwt", "kid": "one", "x": 1})
    ),
    "one letter changed": lambda at: _swapped(at, 2, ("A" if at.parts()[2][0] != "A" else "B") + at.parts()[2][1:]),
    "the signature's last bits changed": _last_bits,
    "the signature padded": lambda at: f"{at.good}==",
    "the signature padded too much": lambda at: f"{at.good}====",
    "the claims padded": lambda at: _swapped(at, 1, at.parts()[1] + "="),
    "the other base64 alphabet": lambda at: at.good.replace("-", "+").replace("_", "/") + "+/",
    "a part more": lambda at: f"{at.good}.e30",
    "a part before": lambda at: f".{at.good}",
    "a dot behind": lambda at: f"{at.good}.",
    "two tokens": lambda at: f"{at.good},{at.good}",
    "two tokens with a space": lambda at: f"{at.good} {at.good}",
    "in quotation marks": lambda at: f'"{at.good}"',
    "percent-encoded": lambda at: at.good.replace(".", "%2E"),
    "Bearer twice": lambda at: f"Bearer {at.good}",
    "a token within a token": lambda at: at.written(
        at.good, b'{"alg": "RS256", "typ": "at+jwt", "cty": "JWT", "kid": "one"}'
    ),
    "an encrypted token": _sealed,
    "a token as JSON": lambda at: json.dumps(
        dict(zip(("protected", "payload", "signature"), at.parts(), strict=True)), separators=(",", ":")
    ),
    "9,000 letters": lambda at: "a" * 9000,
    "a good token, 9,000 letters long": lambda at: at.issue(padding="x" * 6000),
    "60,000 letters": lambda at: f"{at.parts()[0]}.{'a' * 60_000}.{at.parts()[2]}",
    "30,000 dots": lambda at: "." * 30_000,
    **each(
        "the token",
        (
            "x",
            "null",
            "undefined",
            "..",
            "...",
            "a.b",
            "a.b.c",
            "a.b.c.d.e",
            "e30.e30.e30",
            "W10.e30.e30",
            "bnVsbA.e30.e30",
        ),
        lambda _, token: token,
    ),
}

NOT_IN_A_HEADER: dict[str, Attack] = {
    "a space within": lambda at: at.good.replace(".", " .", 1),
    "a line break within": lambda at: at.good.replace(".", ".\n", 1),
    "a line break behind": lambda at: f"{at.good}\n",
    "NUL behind": lambda at: f"{at.good}\0",
    "a space without width behind": lambda at: f"{at.good}\u200b",
    "a space that is none behind": lambda at: f"{at.good}\u00a0",
    "a group separator behind": lambda at: f"{at.good}\x1d",
    "dots of another script": lambda at: at.good.replace(".", "\u2024"),
    "letters of another script": lambda at: at.good.replace("e", "\u0435"),
    "digits of another script": lambda at: at.good.replace("1", "\u0661"),
}
"""Sent in the payload of `connection_init`, where any text can be."""

ATTACKS: dict[str, Attack] = ALGORITHM | FOREIGN_KEY | KEY_NAME | RULES | KIND | CLAIMS | TIME | FORM


def publish(issuer: Issuer) -> None:
    """The keys that an issuer may have, wrong ones among them."""
    twin = OctKey.import_key(b"p" * 32, {"kid": "secret", "alg": "HS256", "use": "sig"})
    sealing = rsa_key("sealing", use="enc")
    issuer.keys += [ec_key("curve"), ed_key("edwards"), rsa_key("two"), twin, sealing, short_key("short")]
