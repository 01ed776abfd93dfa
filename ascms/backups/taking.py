"""Taking a backup, while servers go on: each part is as it was at one moment, in an order that keeps them in step.

First the heads of the logs, with their index held so that no chain begins meanwhile; then, at once, the database, which
is ahead of them by what was written in between at most; then stored files, of which none is removed for a day.
"""

import fcntl
import io
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from ascms.audit.heads import heads_directory
from ascms.settings import Settings, StorageKind

from .archive import DATABASE, Manifest, Told, Writer
from .databases import copy_out, no_trace

KEPT_APART = (
    "ASCMS_AUDIT_KEY (without it no log can be verified, nor a server go on with it)",
    "ASCMS_SECRET_KEY (without it cursors and file addresses that were given out end)",
)


def take(settings: Settings, target: Path, told: Told) -> Manifest:
    """Write a backup to `target`. Raises FileExistsError, LookupError where there is no database, OSError."""
    if target.exists():
        raise FileExistsError(f"{target} exists already; a backup replaces nothing: name another file")
    target.parent.mkdir(parents=True, exist_ok=True)
    heads: dict[str, bytes] = {}

    def keep_heads() -> None:
        heads.update(_heads(settings.state_directory))

    with no_trace(target.parent / f".{target.name}-{secrets.token_hex(4)}") as folder:
        told("the database", 0, 1)
        copied = copy_out(settings.database_url, folder / DATABASE, keep_heads)
        stored = list(_stored(settings))
        whole = (folder / DATABASE).stat().st_size + sum(path.stat().st_size for _, path in stored)
        with _writing(target) as writer:
            for name, content in sorted(heads.items()):
                writer.add(f"heads/{name}", io.BytesIO(content), len(content))
            writer.add_file(DATABASE, folder / DATABASE, lambda done: told("the database", done, whole))
            before = (folder / DATABASE).stat().st_size
            for name, path in stored:
                before += path.stat().st_size
                writer.add_file(name, path)
                told("stored files", before, whole)
            return writer.finish(
                ascms=version("ascms"),
                revision=copied.revision,
                database=copied.kind,
                server=copied.server,
                taken_at=datetime.now(UTC).isoformat(timespec="seconds"),
                files="archive" if settings.storage is StorageKind.LOCAL else f"bucket {settings.storage_bucket}",
                kept_apart=list(KEPT_APART),
            )


@contextmanager
def _writing(target: Path) -> Iterator[Writer]:
    writer = Writer(target)
    try:
        yield writer
    finally:
        writer.give_up()


def _heads(state: Path) -> dict[str, bytes]:
    """The head files and their index, by name."""
    folder = heads_directory(state)
    if not (folder / "index").exists():
        return {}
    with (folder / "index").open("rb") as index:
        fcntl.flock(index, fcntl.LOCK_SH)
        return {path.name: path.read_bytes() for path in [*folder.glob("*.head"), folder / "index"]}


def _stored(settings: Settings) -> Iterator[tuple[str, Path]]:
    """The stored files that are kept in the state directory."""
    if settings.storage is StorageKind.LOCAL:
        folder = settings.state_directory / "files"
        for path in sorted(folder.glob("??/*")):
            yield f"files/{path.parent.name}/{path.name}", path
