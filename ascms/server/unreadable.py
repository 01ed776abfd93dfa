"""Why an HTTP request cannot be read as a GraphQL request."""

from collections.abc import Mapping


class Unreadable(Exception):  # noqa: N818 (named as the answer it leads to)
    """The HTTP request is no GraphQL request: `status`, and what to do instead."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})
