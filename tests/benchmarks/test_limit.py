"""The limit and ascms answer everything that is measured as the plain execution does, on both databases."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from benchmarks.asking import OPERATIONS, PEOPLE
from benchmarks.contenders import Contender
from benchmarks.stage import on_stage


@pytest.mark.nightly
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_limit_answers_rightly(kind: str) -> None:
    people = list(PEOPLE)
    # Not below pytest's own folder: the user `postgres` may not look into that.
    with TemporaryDirectory() as folder, on_stage(kind, 600, open_to_all(folder), (0,), print) as stage:
        stage.learn(OPERATIONS, people)
        for name in ("limit", "ascms", "ascms-nolog"):
            with stage.running(Contender(name), workers=2) as running:
                wrong = {
                    (name, operation, who): found
                    for operation in OPERATIONS
                    for who in people
                    if (found := stage.wrong(running, operation, who)) is not None
                }
                assert wrong == {}


def open_to_all(folder: str) -> Path:
    path = Path(folder)
    path.chmod(0o755)
    return path
