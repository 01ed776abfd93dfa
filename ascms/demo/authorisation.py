"""The authorization server of the demo: Authlib's, with one public client, PKCE, and codes kept in memory.

Authlib judges every request; here is only what it asks an application for. Access tokens are JWTs as RFC 9068
has them, with the organisation chosen at sign-in.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, InvalidRequestError, OAuth2Payload, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from authlib.oidc.core import AuthorizationCodeMixin, UserInfo
from authlib.oidc.core.grants import OpenIDCode
from joserfc.jwk import KeySet, RSAKey
from starlette.datastructures import ImmutableMultiDict
from starlette.responses import JSONResponse, Response

from ascms.models import Role

from .directory import DemoPerson, Membership
from .kept_identity import ALGORITHM

PORTAL = "ascms-portal"
AUDIENCE = "ascms"
SCOPES = ("openid", "profile", "email", *(f"role:{role}" for role in Role))
"""`role:…` scopes narrow a token to those roles, to try out what a machine client would be."""
TOKEN_LIFETIME = 3600
CODE_LIFETIME = 60
PENDING_CODES = 10_000


@dataclass(frozen=True, slots=True)
class SignIn:
    """A person who has signed in, for one organisation or none yet. What Authlib calls the user."""

    person: DemoPerson
    membership: Membership | None
    at: int

    def get_user_id(self) -> str:
        return self.person.subject

    def claims(self) -> dict[str, Any]:
        """What a token says of the person and the organisation."""
        claims: dict[str, Any] = {
            "email": self.person.email,
            "email_verified": True,
            "name": self.person.display_name,
        }
        if self.membership is not None:
            claims |= {"org_id": self.membership.number, "org_name": self.membership.name}
        return claims


class PublicClient(ClientMixin):
    """A client on this machine, without a secret: the portal, the IDE, a developer's script."""

    def __init__(self, client_id: str) -> None:
        self.client_id = client_id

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        return ""

    def get_allowed_scope(self, scope: Any) -> str:
        return " ".join(one for one in (scope or "").split() if one in SCOPES)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return is_loopback(redirect_uri)

    def check_client_secret(self, client_secret: str) -> bool:
        return False

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "none"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


def is_loopback(address: str) -> bool:
    """Whether `address` is a plain http address on this machine, on any port (RFC 8252, section 7.3)."""
    try:
        parts = urlsplit(address)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return (
        port_is_fine
        and parts.scheme == "http"
        and parts.hostname in {"127.0.0.1", "localhost"}
        and "@" not in parts.netloc
        and not parts.fragment
        and address.isascii()
        and not any(character in address for character in '\\" <>\t\r\n')
    )


class Parameters(OAuth2Payload):
    """The parameters of a request, from its query or its form, never from both."""

    def __init__(self, values: ImmutableMultiDict[str, Any]) -> None:
        self._data = {key: str(value) for key, value in values.items()}
        self._lists: dict[str, list[Any]] = {key: values.getlist(key) for key in values}

    @property
    def data(self) -> dict[str, str]:
        return self._data

    @property
    def datalist(self) -> dict[str, list[Any]]:
        return self._lists


class ProviderRequest(OAuth2Request):
    """A request as Authlib reads it."""

    def __init__(self, method: str, uri: str, headers: Mapping[str, str], values: ImmutableMultiDict[str, Any]) -> None:
        super().__init__(method, uri, headers=headers)
        self.payload = Parameters(values)

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data if self.payload is not None else {}


@dataclass(frozen=True, slots=True)
class PendingCode(AuthorizationCodeMixin):
    """An authorization code waiting to be redeemed."""

    client_id: str
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str
    code_challenge_method: str
    user: SignIn
    expires_at: float

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int | None:
        return self.user.at

    def get_acr(self) -> str:
        return ""

    def get_amr(self) -> list[str]:
        return []


class DemoAuthorizationServer(AuthorizationServer):
    """Authlib's authorization server, answering as Starlette does."""

    def __init__(self, issuer: str, key: RSAKey) -> None:
        super().__init__(scopes_supported=SCOPES)
        self.issuer = issuer
        self.key = key
        self.client = PublicClient(PORTAL)
        self.codes: dict[str, PendingCode] = {}
        self.register_grant(_CodeGrant, [_RequiredChallenge(required=True), _IdToken(issuer, key)])
        self.register_token_generator("default", _AccessTokens(issuer, key))

    def access_token(self, sign_in: SignIn, scope: str = "openid profile email") -> str:
        """An access token as the token endpoint gives it."""
        token = self.generate_token("authorization_code", self.client, user=sign_in, scope=scope)
        return str(token["access_token"])

    def query_client(self, client_id: str) -> ClientMixin:
        # Authlib takes None for an unknown client; its stub forgets to say so.
        return self.client if client_id == PORTAL else None  # type: ignore[return-value]

    def save_token(self, token: dict[str, str | int], request: OAuth2Request) -> None:
        """Tokens carry all they need; nothing is kept."""

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        kept = {name: value for name, value in headers if name.lower() != "content-type"}
        kept.setdefault("Cache-Control", "no-store")
        if isinstance(body, dict):
            return JSONResponse(body, status, kept)
        return Response(body, status, kept)


class _AccessTokens(JWTBearerTokenGenerator):
    def __init__(self, issuer: str, key: RSAKey) -> None:
        super().__init__(issuer, ALGORITHM, expires_generator=lambda _client, _grant_type: TOKEN_LIFETIME)
        self._key_set = KeySet([key])

    def get_jwks(self) -> KeySet:
        return self._key_set

    def get_audiences(self, client: object, user: object, scope: object) -> str:
        return AUDIENCE

    def get_auth_time(self, user: SignIn) -> int:
        return user.at

    def get_extra_claims(self, client: object, grant_type: str, user: SignIn, scope: str) -> dict[str, Any]:
        return user.claims()


class _CodeGrant(AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)
    server: DemoAuthorizationServer

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        now = time.time()
        codes = self.server.codes
        for old in [old for old, pending in codes.items() if pending.expires_at <= now]:
            del codes[old]
        if len(codes) >= PENDING_CODES:
            raise InvalidRequestError("Too many sign-ins are under way; try again in a minute.")
        if request.payload is None or not isinstance(request.user, SignIn):
            raise InvalidRequestError("Nobody has signed in.")
        values = request.payload.data
        codes[code] = PendingCode(
            client_id=values["client_id"],
            redirect_uri=values["redirect_uri"],
            scope=request.scope,
            nonce=values.get("nonce"),
            code_challenge=values["code_challenge"],
            code_challenge_method=values["code_challenge_method"],
            user=request.user,
            expires_at=now + CODE_LIFETIME,
        )

    def create_authorization_response(self, redirect_uri: str, grant_user: SignIn) -> Any:
        status, body, headers = super().create_authorization_response(redirect_uri, grant_user)
        # RFC 9207: the answer says whose it is.
        added = [(name, add_params_to_uri(value, [("iss", self.server.issuer)])) for name, value in headers]
        return status, body, added

    def query_authorization_code(self, code: str, client: ClientMixin) -> PendingCode | None:
        # Taken out at the first try, so that a code is good for one verifier only.
        pending = self.server.codes.pop(code, None)
        if pending is None or pending.expires_at <= time.time() or pending.client_id != client.get_client_id():
            return None
        return pending

    def delete_authorization_code(self, authorization_code: PendingCode) -> None:
        """It is gone since it was asked for."""

    def authenticate_user(self, authorization_code: PendingCode) -> SignIn:
        return authorization_code.user


class _RequiredChallenge(CodeChallenge):
    """PKCE for everybody, and S256 only."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        values = grant.request.payload.data
        if not values.get("code_challenge") or values.get("code_challenge_method") != "S256":
            raise InvalidRequestError(
                "PKCE is required: send code_challenge, and code_challenge_method=S256.", redirect_uri=redirect_uri
            )
        super().validate_code_challenge(grant, redirect_uri)


class _IdToken(OpenIDCode):
    def __init__(self, issuer: str, key: RSAKey) -> None:
        super().__init__()
        self._issuer = issuer
        self._key = key

    def exists_nonce(self, nonce: str, request: OAuth2Request) -> bool:
        """Codes are used once, so a nonce has nothing left to guard here; the client checks it."""
        return False

    def resolve_client_private_key(self, client: object) -> RSAKey:
        return self._key

    def get_client_algorithm(self, client: object) -> str:
        return ALGORITHM

    def get_client_claims(self, client: object) -> dict[str, Any]:
        return {"iss": self._issuer}

    def get_encode_header(self, client: object) -> dict[str, Any]:
        return {"alg": ALGORITHM, "kid": self._key.kid}

    def generate_user_info(self, user: SignIn, scope: str) -> UserInfo:
        return UserInfo(sub=user.get_user_id(), **user.claims())
