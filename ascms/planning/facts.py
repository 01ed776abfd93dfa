"""What a request brings along besides its rows: the viewer, the time, and what the installation offers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ascms.identity.viewer import Viewer
from ascms.permissions.policy import Policy
from ascms.settings import Settings


@dataclass(frozen=True)
class Facts:
    """Handed to computed fields. `offers` holds services by name (such as the signer of file addresses)."""

    viewer: Viewer
    now: datetime
    policy: Policy
    settings: Settings
    offers: Mapping[str, Any] = field(default_factory=dict)
