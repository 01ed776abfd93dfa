"""A disk of a few megabytes, which can be filled up and made read-only. Only root can have one on Linux."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class Disk:
    """A mounted tmpfs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def filled(self) -> Iterator[None]:
        """There is no room left, not for a byte."""
        filler = self.folder / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(4096)) == 4096:
                pass
        try:
            yield
        finally:
            filler.unlink()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Nothing on it can be changed."""
        mount("-o", "remount,ro", self.folder)
        try:
            yield
        finally:
            mount("-o", "remount,rw", self.folder)


@contextmanager
def disk(folder: Path, megabytes: int) -> Iterator[Disk]:
    """Mount one at the folder, over what is there. Skips the test where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("NOT TESTED: only root can mount a small disk; run this test as root on Linux")
    try:
        mount("-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "tmpfs", folder)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"NOT TESTED: no small disk can be mounted here ({error.stderr.strip()})")
    try:
        yield Disk(folder)
    finally:
        # Lazily: whoever uses it still ends by themselves.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True, capture_output=True, text=True)
