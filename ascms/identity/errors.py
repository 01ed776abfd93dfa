"""Why somebody is not let in. The server turns these into 401, 403 and 503; their messages are for people."""

import re


class Unauthenticated(Exception):  # noqa: N818 (named as the answer it leads to)
    """Nobody is signed in: HTTP 401. `error` is RFC 6750's code, None where no bearer token was sent at all."""

    def __init__(self, message: str, error: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.error = error

    @property
    def www_authenticate(self) -> str:
        """The value of the header `WWW-Authenticate`."""
        challenge = 'Bearer realm="ascms"'
        if self.error is not None:
            # RFC 6750, section 3: printable ASCII without quotation mark and backslash.
            description = re.sub(r'[^\x20-\x7e]|["\\]', "'", self.message)
            challenge += f', error="{self.error}", error_description="{description}"'
        return challenge


class OrganisationRefused(Exception):  # noqa: N818 (named as the answer it leads to)
    """The person is signed in but may not act for the organisation asked for: HTTP 403."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class IdentityUnavailable(Exception):  # noqa: N818 (named as the answer it leads to)
    """The identity provider's keys cannot be had, so nothing can be said about the token: HTTP 503."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def invalid_token(message: str) -> Unauthenticated:
    """The refusal of a bearer token, with the code that tells a client to sign in again."""
    return Unauthenticated(message, "invalid_token")
