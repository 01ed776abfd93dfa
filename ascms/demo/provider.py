"""The demo's OpenID Connect provider: the routes that stand in for Education Sector Logon.

Its sign-in page lists invented people and asks for no password, so it must never stand beside real data; only
`ascms demo` puts these routes into an application.
"""

import time
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AccessDeniedError
from authlib.oidc.core.errors import LoginRequiredError
from jinja2 import Environment, PackageLoader
from joserfc import jwt
from joserfc.errors import JoseError
from starlette.datastructures import ImmutableMultiDict
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from .authorisation import AUDIENCE, PORTAL, SCOPES, DemoAuthorizationServer, ProviderRequest, SignIn, is_loopback
from .directory import DemoPerson, Directory
from .kept_identity import ALGORITHM, KeptIdentity

PAGE_HEADERS = {
    "Cache-Control": "no-store",
    # A form's redirect counts as its target, and clients live on any port of this machine.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "form-action 'self' http://127.0.0.1:* http://localhost:*"
    ),
}
_OTHER_PORTS = [
    Middleware(
        CORSMiddleware,
        allow_origin_regex=r"http://(127\.0\.0\.1|localhost)(:\d+)?",
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type"],
    )
]

_STYLE = files("ascms.demo").joinpath("templates/provider.css").read_text()
_templates = Environment(loader=PackageLoader("ascms.demo"), autoescape=True, trim_blocks=True, lstrip_blocks=True)


class Provider:
    """The endpoints, over Authlib's server and the people of the demo's database."""

    def __init__(self, identity: KeptIdentity, directory: Directory) -> None:
        self._issuer = identity.issuer
        self._key = identity.key
        self._directory = directory
        self._server = DemoAuthorizationServer(identity.issuer, identity.key)

    def routes(self) -> Sequence[BaseRoute]:
        """All routes of the provider."""
        return [
            Route("/.well-known/openid-configuration", self.discovery, middleware=_OTHER_PORTS),
            Route("/oauth/jwks", self.jwks, middleware=_OTHER_PORTS),
            Route("/oauth/authorize", self.authorize, methods=["GET", "POST"]),
            Route("/oauth/token", self.token, methods=["POST", "OPTIONS"], middleware=_OTHER_PORTS),
            Route("/oauth/userinfo", self.userinfo, methods=["GET", "POST", "OPTIONS"], middleware=_OTHER_PORTS),
            Route("/oauth/end-session", self.end_session, methods=["GET", "POST"]),
            Route("/oauth/provider.css", self.style),
            Route("/demo/people", self.people),
        ]

    async def discovery(self, request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self._issuer,
                "authorization_endpoint": f"{self._issuer}/oauth/authorize",
                "token_endpoint": f"{self._issuer}/oauth/token",
                "jwks_uri": f"{self._issuer}/oauth/jwks",
                "userinfo_endpoint": f"{self._issuer}/oauth/userinfo",
                "end_session_endpoint": f"{self._issuer}/oauth/end-session",
                "scopes_supported": SCOPES,
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [ALGORITHM],
                "token_endpoint_auth_methods_supported": ["none"],
                "code_challenge_methods_supported": ["S256"],
                "prompt_values_supported": ["none", "login"],
                "authorization_response_iss_parameter_supported": True,
                "claims_supported": ["sub", "email", "email_verified", "name", "org_id", "org_name", "auth_time"],
                "ui_locales_supported": ["en-NZ"],
            }
        )

    async def jwks(self, request: Request) -> Response:
        return JSONResponse({"keys": [self._key.as_dict(private=False)]})

    async def authorize(self, request: Request) -> Response:
        """The sign-in page, and what follows a choice on it. With `prompt=none`, straight to the client."""
        query = request.query_params
        silent = query.get("prompt") == "none"
        if request.method == "POST":
            form = await request.form()
            asked, number = str(form.get("email", "")), str(form.get("organisation", ""))
        else:
            asked, number = query.get("login_hint", ""), query.get("organisation", "")
        person = await self._directory.find(asked) if asked else None
        sign_in = _sign_in(person, number) if request.method == "POST" or silent else None
        oauth = ProviderRequest(request.method, str(request.url), dict(request.headers), query)
        try:
            grant = self._server.get_consent_grant(oauth, end_user=sign_in)  # type: ignore[no-untyped-call]
            if sign_in is None and (silent or request.method == "POST"):
                refusal = LoginRequiredError if silent else AccessDeniedError
                raise refusal(
                    "No such person of the demo, or not of that organisation.",
                    redirect_uri=grant.redirect_uri,
                    state=query.get("state"),
                )
        except OAuth2Error as error:
            return self._refusal(oauth, error)
        except ValueError:
            # Authlib will not quote a parameter with characters that may not stand in an error.
            return _page("refused.html", 400, message="A parameter has characters that may not stand there.")
        if sign_in is not None:
            answer: Any = self._server.create_authorization_response(oauth, grant_user=sign_in, grant=grant)
            return _as_response(answer)
        return await self._sign_in_page(query, person)

    def _refusal(self, oauth: ProviderRequest, error: OAuth2Error) -> Response:
        if error.redirect_uri:
            return _as_response(self._server.handle_error_response(oauth, error))
        return _page("refused.html", 400, message=error.get_error_description() or error.error)

    async def _sign_in_page(self, query: ImmutableMultiDict[str, str], person: DemoPerson | None) -> Response:
        search = query.get("search", "")
        kept = [(key, value) for key, value in query.multi_items() if key not in {"search", "login_hint"}]
        return _page(
            "sign_in.html",
            action=add_params_to_uri("/oauth/authorize", query.multi_items()),
            everybody=add_params_to_uri("/oauth/authorize", kept),
            kept=kept,
            search=search,
            hinted=person is not None,
            preferred=query.get("organisation"),
            people=[person] if person is not None else await self._directory.people(search),
        )

    async def token(self, request: Request) -> Response:
        form = await request.form()
        oauth = ProviderRequest(request.method, str(request.url), dict(request.headers), form)
        return _as_response(self._server.create_token_response(oauth))

    async def userinfo(self, request: Request) -> Response:
        """Who an access token of this provider is for."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        claims = self._own_claims(token.strip()) if scheme.lower() == "bearer" else None
        person = await self._directory.find(str(claims["email"])) if claims is not None else None
        if claims is None or person is None:
            return Response(
                status_code=401, headers={"WWW-Authenticate": 'Bearer realm="ascms", error="invalid_token"'}
            )
        told = ("sub", "email", "email_verified", "name", "org_id", "org_name")
        profile = {
            "given_name": person.given_name,
            "middle_name": person.middle_name,
            "family_name": person.surname,
            "nickname": person.preferred_name,
            "phone_number": person.phone,
            "birthdate": person.date_of_birth.isoformat() if person.date_of_birth is not None else None,
        }
        info = {name: claims[name] for name in told if name in claims} | profile
        return JSONResponse({name: value for name, value in info.items() if value is not None}, headers=_NOT_KEPT)

    def _own_claims(self, token: str) -> dict[str, Any] | None:
        try:
            claims = jwt.decode(token, self._key, [ALGORITHM]).claims
        except (JoseError, ValueError):
            return None
        ours = claims.get("aud") == AUDIENCE and claims.get("client_id") == PORTAL
        return claims if ours and claims.get("exp", 0) > time.time() else None

    async def end_session(self, request: Request) -> Response:
        """Nothing is remembered here, so signing out is going back to the client."""
        values = request.query_params if request.method == "GET" else await request.form()
        target = str(values.get("post_logout_redirect_uri", ""))
        if not is_loopback(target):
            return _page("signed_out.html")
        state = values.get("state")
        return RedirectResponse(add_params_to_uri(target, [("state", str(state))] if state else []), 303)

    async def style(self, request: Request) -> Response:
        return Response(_STYLE, media_type="text/css")

    async def people(self, request: Request) -> Response:
        """The people of the demo, for a switch of person and organisation."""
        people = await self._directory.people(request.query_params.get("search", ""))
        return JSONResponse([person.listed() for person in people], headers=_NOT_KEPT)


_NOT_KEPT = {"Cache-Control": "no-store"}


def _sign_in(person: DemoPerson | None, number: str) -> SignIn | None:
    """The sign-in of `person` for organisation `number` (none if empty); None where that cannot be."""
    if person is None:
        return None
    membership = person.membership(number) if number else None
    if number and membership is None:
        return None
    return SignIn(person, membership, int(time.time()))


def _page(template: str, status: int = 200, **values: Any) -> Response:
    return HTMLResponse(_templates.get_template(template).render(**values), status, PAGE_HEADERS)


def _as_response(answer: object) -> Response:
    if not isinstance(answer, Response):
        raise TypeError(f"the authorization server answered with {type(answer).__name__}, not with a response")
    return answer


def provider_routes(identity: KeptIdentity, directory: Directory) -> Sequence[BaseRoute]:
    """The routes of the demo's provider, for `create_app`'s `extra_routes`."""
    return Provider(identity, directory).routes()
