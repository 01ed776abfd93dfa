"""Rounds become a ranking, a table and a plot."""

import xml.etree.ElementTree as ET

from benchmarks.load import Answered
from benchmarks.processes import Cpu
from benchmarks.report import markdown, svg
from benchmarks.rounds import Round, summaries


def one(contender: str, server: float, database: float = 0, errors: int = 0, rate: int = 100) -> Round:
    answered = Answered(rate * 10, 10, errors, p50=3, p99=9, max=20, bytes=1)
    where = "postgresql" if database else "sqlite"
    return Round(where, "lead", "home", contender, answered, Cpu(server, 0), Cpu(0, database), 50_000_000)


def test_ranked_is_the_median_of_all_cpu_per_request() -> None:
    rounds = [one("slow", 3), one("ascms", 2), one("ascms", 1), one("ascms", 9), one("limit", 1)]
    (group,) = summaries(rounds).values()
    assert [(summary.contender, summary.median("per_request")) for summary in group] == [
        ("limit", 1000),
        ("ascms", 2000),
        ("slow", 3000),
    ]


def test_the_databases_cpu_counts() -> None:
    (group,) = summaries([one("a", 1, database=3), one("b", 3, database=0.5)]).values()
    assert [summary.contender for summary in group] == ["b", "a"]


def test_errors_add_up_and_the_best_round_tells_the_latency() -> None:
    ((summary,),) = summaries([one("ascms", 1, errors=2), one("ascms", 1, errors=3, rate=200)]).values()
    assert summary.errors == 5
    assert summary.best.rate == 200


def test_the_report_has_each_contender_with_its_ratios() -> None:
    report = markdown([one("ascms", 2), one("limit", 1), one("other", 8)], ["A note."])
    assert "## home, SQLite, lead@" in report
    assert "A note." in report
    assert "| ascms | 2,000 | 2,000–2,000 |  | 1.00 | 2.00 | 100 | 3.0 | 9.0 | 0 | 50 |" in report
    assert "| other | 8,000 | 8,000–8,000 |  | 4.00 | 8.00 | 100 | 3.0 | 9.0 | 0 | 50 |" in report


def test_without_a_limit_there_is_no_ratio_to_it() -> None:
    assert "| ascms | 2,000 | 2,000–2,000 |  | 1.00 |  | 100 |" in markdown([one("ascms", 2)], [])


def test_the_plot_is_an_svg_with_a_bar_for_each() -> None:
    plot = ET.fromstring(svg([one("ascms", 2), one("<other>", 8)]))
    space = "{http://www.w3.org/2000/svg}"
    background, *bars = plot.iter(f"{space}rect")
    widths = [float(bar.attrib["width"]) for bar in bars]
    assert background.attrib["width"] == "100%"
    assert widths[0] * 4 == widths[1]
    assert any(text.text == "<other>" for text in plot.iter(f"{space}text"))
