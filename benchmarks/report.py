"""What came out, for people: tables in Markdown, and a plot."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.contenders import LIMIT, OURS
from benchmarks.rounds import Round, Summary, summaries

TITLES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
HEADINGS = (
    "contender", "CPU µs", "least–most", "database's part", "× ascms", "× limit", "requests/s", "p50 ms", "p99 ms",
    "errors", "MB",
)  # fmt: skip


def ratio(summary: Summary, others: Sequence[Summary], name: str) -> str:
    """How many times the other's CPU per request this one takes."""
    other = next((one for one in others if one.contender == name), None)
    return "" if other is None else f"{summary.median('per_request') / other.median('per_request'):.2f}"


def row(summary: Summary, group: Sequence[Summary]) -> list[str]:
    each = [one.per_request for one in summary.rounds]
    best = summary.best
    database = summary.median("database_per_request")
    return [
        summary.contender,
        f"{summary.median('per_request'):,.0f}",
        f"{min(each):,.0f}–{max(each):,.0f}",
        f"{database:,.0f}" if database else "",
        ratio(summary, group, OURS[0]),
        ratio(summary, group, LIMIT),
        f"{best.rate:,.0f}",
        f"{best.p50:.1f}",
        f"{best.p99:.1f}",
        str(summary.errors),
        f"{summary.median('memory') / 1e6:.0f}",
    ]


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, the first column left and the others right."""
    lines = [headings, ["---", *("---:" for _ in headings[1:])], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def markdown(rounds: Sequence[Round], notes: Sequence[str]) -> str:
    """The whole report."""
    parts = ["# Benchmarks", *notes]
    for (database, who, operation), group in summaries(rounds).items():
        parts.append(f"## {operation}, {TITLES[database]}, {who}@")
        parts.append(table(HEADINGS, [row(summary, group) for summary in group]))
    return "\n\n".join(parts) + "\n"


# The plot ----------------------------------------------------------------------------------------------------

BAR, GAP, LEFT, WIDE, TOP = 16, 5, 150, 560, 24
COLOURS = {"ascms": "#1b6e53", "ascms-nolog": "#5aa98c", "limit": "#c7a33c"}
OTHERS = "#8a94a6"


@dataclass
class Drawing:
    """Lines of an SVG, from top to bottom."""

    height: int = 0

    def __post_init__(self) -> None:
        self.parts: list[str] = []

    def text(self, x: float, words: str, *, bold: bool = False, anchor: str = "start") -> None:
        weight = ' font-weight="600"' if bold else ""
        self.parts.append(
            f'<text x="{x:.0f}" y="{self.height + BAR - 4}" text-anchor="{anchor}"{weight}>{escape(words)}</text>'
        )

    def bar(self, width: float, colour: str) -> None:
        self.parts.append(
            f'<rect x="{LEFT}" y="{self.height}" width="{max(1, width):.1f}" height="{BAR}" rx="2" fill="{colour}"/>'
        )


def svg(rounds: Sequence[Round]) -> str:
    """CPU per request as bars, each operation to its own scale."""
    drawing = Drawing(8)
    for (database, who, operation), group in summaries(rounds).items():
        drawing.text(8, f"{operation}, {TITLES[database]}, {who}@ – CPU µs per request", bold=True)
        drawing.height += TOP
        most = max(summary.median("per_request") for summary in group)
        for summary in group:
            taken = summary.median("per_request")
            drawing.text(LEFT - 8, summary.contender, anchor="end")
            drawing.bar(taken / most * WIDE, COLOURS.get(summary.contender, OTHERS))
            drawing.text(LEFT + taken / most * WIDE + 6, f"{taken:,.0f}")
            drawing.height += BAR + GAP
        drawing.height += BAR
    wide = LEFT + WIDE + 90
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {drawing.height}" width="{wide}"'
        f' height="{drawing.height}" font-family="system-ui, sans-serif" font-size="12" fill="#222">'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(drawing.parts)}</svg>\n'
    )
