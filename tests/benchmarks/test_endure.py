"""The endurance run: its figures, and that memory stays flat under subscriptions and changes."""

from tempfile import TemporaryDirectory

import pytest

from benchmarks.endure import Asked, Endured, endure, in_words, slope
from benchmarks.stage import on_stage
from tests.benchmarks.test_limit import open_to_all

FLAT = 8.0
"""MiB by which a worker may have grown at the end, beyond what it had when its caches had filled."""


def test_a_slope_is_that_of_the_line_and_its_error_that_of_what_is_left() -> None:
    exact = slope([(second, 100 + second / 60) for second in range(0, 600, 2)])
    assert exact.an_hour == pytest.approx(60)
    assert exact.error == pytest.approx(0, abs=1e-6)
    noisy = slope([(second, 100 + (1 if second % 4 else -1)) for second in range(0, 600, 2)])
    assert abs(noisy.an_hour) < 3 * noisy.error
    with pytest.raises(ValueError, match="make no slope"):
        slope([(0, 1), (1, 2)])


def test_what_is_missing_is_no_success() -> None:
    good = Endured(answered=10, notifications_due=5, notifications=5)
    assert good.is_whole
    assert not Endured(answered=10, notifications_due=5, notifications=4).is_whole
    assert not Endured(answered=10, gaps=1).is_whole
    assert not Endured().is_whole
    assert "5 notifications due, 5 came" in in_words(Asked(10, 1, 1, 1, 0), good)


@pytest.mark.nightly
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_is_missed_and_memory_is_flat(kind: str) -> None:
    asked = Asked(seconds=120, rate=30, subscriptions=100, workers=2 if kind == "postgresql" else 1, settle=40)
    with TemporaryDirectory() as folder, on_stage(kind, 600, open_to_all(folder), (0, 1), print) as stage:
        done = endure(stage, asked, print)
    assert done.is_whole, in_words(asked, done)
    assert done.notifications > 0
    assert len(done.workers) == asked.workers
    assert all(one.last - one.first < FLAT for one in done.workers), in_words(asked, done)
