"""Restoring a backup: into an empty place, or not at all. All is read and checked before anything is put there."""

import secrets
import shutil
from pathlib import Path

from ascms.settings import Settings

from .archive import DATABASE, STATE, Manifest, Told, unpack
from .databases import copy_in, is_empty, is_known, kind_of, no_trace


def restore(settings: Settings, archive: Path, told: Told) -> Manifest:
    """Put a backup where the settings say the database and the state are.

    Raises ValueError where they are not empty, or the backup does not fit; DamagedError; LookupError; OSError.
    """
    state, database = settings.state_directory, settings.database_url
    _refuse_taken(state, database)
    with no_trace(state.parent / f".restoring-{secrets.token_hex(4)}") as folder:
        manifest = unpack(archive, folder, told)
        if manifest.database != kind_of(database):
            raise ValueError(f"{archive} is of a {manifest.database} database, and {kind_of(database)} is set up")
        if not is_known(manifest.revision):
            raise ValueError(
                f"{archive} is of a newer ascms ({manifest.ascms}, revision {manifest.revision}); restore it with that"
            )
        told("the database", 0, 1)
        copy_in(folder / DATABASE, database)
        told("the database", 1, 1)
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in STATE:
            if (folder / name).exists():
                if (state / name).exists():
                    (state / name).rmdir()  # it is empty
                shutil.move(folder / name, state / name)
    return manifest


def _refuse_taken(state: Path, database: str) -> None:
    taken = [str(state / name) for name in STATE if (state / name).exists() and any((state / name).iterdir())]
    if not is_empty(database):
        taken.insert(0, "the database")
    if taken:
        raise ValueError(f"{' and '.join(taken)} is not empty; a backup is restored into an empty place only")
