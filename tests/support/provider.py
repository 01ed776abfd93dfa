"""A certified OpenID provider as issuer: oidc-provider, in Node. `make clients` installs it."""

import json
import os
import subprocess
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import authlib.deprecate  # noqa: F401 (it sets a filter for warnings, which has to come before ours)
import httpx
import pytest
from joserfc.jwk import Key

from tests.support.clients import NODE
from tests.support.postgres import free_port

FOLDER = Path(__file__).parents[1] / "identity" / "provider"
CLIENT, SECRET = "nightly-roll", "secret of the nightly roll"
CLIENT_SCOPE = "role:ATTENDANCE_LEAD role:OFFICE_SUPPORT role:MINISTRY_ANALYST"
REDIRECT = "http://127.0.0.1/callback"
REQUIRED = "ASCMS_REQUIRE_CLIENTS"


def require_provider() -> None:
    """Skip loudly where it is not installed; fail where ASCMS_REQUIRE_CLIENTS says that it must be, as in CI."""
    if NODE is not None and (FOLDER / "node_modules").is_dir():
        return
    missing = "NOT TESTED with a certified OpenID provider: `make clients` has not run, or there is no Node"
    if os.environ.get(REQUIRED):
        pytest.fail(missing)
    pytest.skip(missing)


def _client(*of: str, **options: Any) -> Any:
    """Authlib's client."""
    # It is the httpx that we have which Authlib calls old.
    with warnings.catch_warnings(action="ignore"):
        from authlib.integrations.httpx_client import OAuth2Client
    return OAuth2Client(*of, trust_env=False, **options)


@dataclass
class CertifiedProvider:
    """A provider with these keys (the first one signs) and accounts, by address. A context manager; `restart` anew."""

    keys: Sequence[Key]
    accounts: dict[str, dict[str, Any]]
    port: int = field(default_factory=free_port)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        assert NODE is not None
        set_up = {
            "port": self.port,
            "keys": [key.as_dict(private=True) for key in self.keys],
            "accounts": self.accounts,
            "redirect": REDIRECT,
            "client": {"id": CLIENT, "secret": SECRET, "scope": CLIENT_SCOPE},
        }
        self._process = subprocess.Popen(
            [NODE, "provider.mjs"], cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(set_up) + "\n")
        self._process.stdin.flush()
        while (line := self._process.stdout.readline()).strip() != "ready":
            assert line, "the provider ended at its start"

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()

    def restart(self, keys: Sequence[Key]) -> None:
        """With other keys; what it has issued holds for as long as its keys are known."""
        self.stop()
        self.keys = keys
        self.start()

    @property
    def discovered(self) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"{self.address}/.well-known/openid-configuration", trust_env=False).json()
        return found

    def sign_in(self, email: str, scope: str = "openid", **more: str) -> dict[str, Any]:
        """The tokens that a client is given for a person: code flow with PKCE, by Authlib."""
        found = self.discovered
        verifier = "v" * 64
        with _client(
            "portal", scope=scope, redirect_uri=REDIRECT, code_challenge_method="S256",
            token_endpoint_auth_method="none",
        ) as client:  # fmt: skip
            address, state = client.create_authorization_url(
                found["authorization_endpoint"], code_verifier=verifier, nonce="n-7", **more
            )
            back = self._followed(address, email)
            assert parse_qs(urlsplit(back).query)["iss"] == [self.address]
            tokens: dict[str, Any] = client.fetch_token(
                found["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier
            )
            return tokens

    def _followed(self, address: str, email: str) -> str:
        """Where the provider sends the browser in the end, once it has said who it is."""
        with httpx.Client(base_url=self.address, trust_env=False) as browser:
            while not address.startswith(REDIRECT):
                response = browser.get(address, params={"login": email} if "/interaction/" in address else None)
                assert response.is_redirect, response.text
                address = response.headers["location"]
        return address

    def renew(self, refresh_token: str) -> dict[str, Any]:
        """The tokens for a refresh token."""
        with _client("portal", token_endpoint_auth_method="none") as client:
            tokens: dict[str, Any] = client.refresh_token(
                self.discovered["token_endpoint"], refresh_token=refresh_token
            )
            return tokens

    def machine_token(self, scope: str | None = None) -> str:
        """The access token of the machine client: client credentials."""
        with _client(CLIENT, SECRET, scope=scope) as client:
            token: str = client.fetch_token(self.discovered["token_endpoint"], grant_type="client_credentials")[
                "access_token"
            ]
            return token
