"""Which names this server answers to: a request for another comes by a mistake, or by a trick (DNS rebinding)."""

import re
from typing import Final

from ascms.settings import Settings

EVERY: Final = "*"
ALWAYS: Final = frozenset(("localhost", "127.0.0.1", "[::1]"))
OPEN_TO_ALL: Final = frozenset(("/healthz", "/readyz", "/metrics"))
"""Asked by an address rather than a name, and the same for everyone."""
REMEMBERED: Final = 256
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]/@\s]+)(:\d{1,5})?")


class Hosts:
    """The names, from the settings: those of this machine, the portal's (`public_url`), and what the operator adds."""

    def __init__(self, settings: Settings) -> None:
        public = {str(settings.public_url.host).lower()} if settings.public_url is not None else set[str]()
        self._names = ALWAYS | public | {name.lower() for name in settings.allowed_hosts}
        self._known: dict[bytes | None, bool] = {}

    def allows(self, host: bytes | None) -> bool:
        """Whether a request with this header `Host` is for us; None: with none."""
        known = self._known.get(host)
        if known is None:
            known = self._allows(host)
            if len(self._known) < REMEMBERED:
                self._known[host] = known
        return known

    def _allows(self, host: bytes | None) -> bool:
        if EVERY in self._names:
            return True
        found = _HOST.fullmatch((host or b"").decode("latin-1").lower())
        return found is not None and found[1].removesuffix(".") in self._names
