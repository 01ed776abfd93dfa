"""Sign-in: bearer tokens in, a `Viewer` out.

The API is an OAuth 2 resource server. A token says who is asking and may name the organisation acted for; the
roles come from the system's own assignments, read anew at each request.
"""

from .authentication import Authenticator
from .errors import IdentityUnavailable, OrganisationRefused, Unauthenticated
from .tokens import TokenVerifier
from .viewer import Context, Portal, Viewer

__all__ = [
    "Authenticator",
    "Context",
    "IdentityUnavailable",
    "OrganisationRefused",
    "Portal",
    "TokenVerifier",
    "Unauthenticated",
    "Viewer",
]
