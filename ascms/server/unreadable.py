"""Why an HTTP request cannot be read as a GraphQL request."""

from collections.abc import Mapping
from typing import Final

CODES: Final = {
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    413: "BODY_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
}
"""`extensions.code` by status; BAD_USER_INPUT for others."""


class Unreadable(Exception):  # noqa: N818 (named as the answer it leads to)
    """The HTTP request is no GraphQL request: `status`, and what to do instead."""

    def __init__(
        self, status: int, message: str, headers: Mapping[str, str] | None = None, *, code: str | None = None
    ) -> None:
        """`code`: of its own, other than that of its status."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})
        self.code = code or CODES.get(status, "BAD_USER_INPUT")
