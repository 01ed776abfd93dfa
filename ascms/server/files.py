"""Addresses of files: good for one person, one organisation and a few minutes.

The address is signed, so that it cannot be made up or passed on for another file; it is never a way round the
policy, since only a viewer who sees `File.downloadUrl` is given one.
"""

import hmac
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ascms.planning.facts import Facts

GOOD_FOR: Final = timedelta(minutes=5)


class FileAddresses:
    """Signs addresses of files and checks them, with the installation's secret key."""

    def __init__(self, secret: bytes) -> None:
        self._key = sha256(b"ascms file address" + secret).digest()

    def sign(self, file_id: int, facts: Facts) -> str:
        """The address of a file for the viewer, as a path on this server."""
        acting = facts.viewer.acting
        expires = int((facts.now + GOOD_FOR).timestamp())
        claims = f"{file_id}.{facts.viewer.user_id}.{acting.organisation_id if acting else 0}.{expires}"
        return f"/files/{claims}.{self._signature(claims)}"

    def _signature(self, claims: str) -> str:
        return urlsafe_b64encode(hmac.digest(self._key, claims.encode(), "sha256")).decode().rstrip("=")

    async def serve(self, request: Request) -> Response:
        """The route behind an address. Contents are stored from a later release on."""
        claims, _, signature = request.path_params["address"].rpartition(".")
        if not hmac.compare_digest(signature, self._signature(claims)):
            return PlainTextResponse("This address of a file was not given out here.\n", 403)
        if int(claims.rpartition(".")[2]) < datetime.now(UTC).timestamp():
            return PlainTextResponse("This address of a file has expired; ask for downloadUrl again.\n", 403)
        return PlainTextResponse("The content of this file is not stored here, only what is known of it.\n", 404)
