"""Fresh databases for tests, quickly: what is slow is done once into a template, then copied."""

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tests.support.postgres import PostgresCluster


class Databases(Protocol):
    """Makes databases of one kind. A template is filled at its first use and never changed afterwards."""

    def copy(self, template: str, fill: Callable[[str], None]) -> str:
        """A fresh copy of `template`, as a URL; `fill` is given the template's URL when it is first needed."""

    def drop(self, url: str) -> None: ...


class SqliteDatabases:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = itertools.count(1)

    def copy(self, template: str, fill: Callable[[str], None]) -> str:
        source = self.folder / f"{template}.template.sqlite3"
        if not source.exists():
            fill(self._url(source))
        target = self.folder / f"{template}-{next(self.numbers)}.sqlite3"
        shutil.copyfile(source, target)
        return self._url(target)

    def drop(self, url: str) -> None:
        path = Path(url.removeprefix("sqlite+aiosqlite:///"))
        for file in path.parent.glob(f"{path.name}*"):
            shutil.rmtree(file) if file.is_dir() else file.unlink()

    @staticmethod
    def _url(path: Path) -> str:
        return f"sqlite+aiosqlite:///{path}"


class PostgresDatabases:
    def __init__(self, cluster: PostgresCluster) -> None:
        self.cluster = cluster
        self.numbers = itertools.count(1)
        self.templates: set[str] = set()

    def copy(self, template: str, fill: Callable[[str], None]) -> str:
        if template not in self.templates:
            fill(self.cluster.create(f"template_{template}"))
            self.templates.add(template)
        return self.cluster.create(f"{template}_{next(self.numbers)}", f"template_{template}")

    def drop(self, url: str) -> None:
        self.cluster.drop(url.rpartition("/")[2])
