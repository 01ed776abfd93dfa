"""The provider's keys and names, kept with the demo's database so that its tokens hold on every port.

The file `identity.json` in the state directory, readable by its owner alone, has the signing key, the present
issuer and every issuer it has had. Tokens of all of them are accepted, for the key is the same.
"""

import contextlib
import json
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from joserfc.jwk import RSAKey

FIRST_ISSUER = "http://127.0.0.1:8000"
FILE_NAME = "identity.json"
ALGORITHM = "RS256"


@dataclass(frozen=True, slots=True)
class KeptIdentity:
    """What a demo's identity provider is known by. `issuers` begins with the first it ever had."""

    issuer: str
    issuers: tuple[str, ...]
    key: RSAKey


def kept_identity(state: Path, issuer: str | None = None) -> KeptIdentity:
    """The identity kept in `state`, made there when it is not. With `issuer`, that is the present one from now on."""
    path = state / FILE_NAME
    if not path.exists():
        first = issuer or FIRST_ISSUER
        made = KeptIdentity(first, (first,), RSAKey.generate_key(2048, {"use": "sig", "alg": ALGORITHM}, auto_kid=True))
        _write(path, made, new=True)
    kept = _read(path)
    if issuer is not None and issuer != kept.issuer:
        kept = replace(kept, issuer=issuer, issuers=tuple(dict.fromkeys((*kept.issuers, issuer))))
        _write(path, kept, new=False)
    return kept


def _read(path: Path) -> KeptIdentity:
    try:
        kept = json.loads(path.read_text())
        return KeptIdentity(kept["issuer"], tuple(kept["issuers"]), RSAKey.import_key(kept["keys"][0]))
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ValueError(f"{path} cannot be read; delete it, and the demo makes new keys (old tokens end)") from error


def _write(path: Path, identity: KeptIdentity, *, new: bool) -> None:
    """Write whole or not at all. A `new` one gives way to one that another process made meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {
        "issuer": identity.issuer,
        "issuers": identity.issuers,
        "keys": [identity.key.as_dict(private=True)],
    }
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{FILE_NAME}-")
    with os.fdopen(handle, "w") as file:
        json.dump(kept, file, indent=1)
    draft = Path(name)
    if new:
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    else:
        draft.replace(path)
