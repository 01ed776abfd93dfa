"""Everything side by side: `python -m benchmarks --help`, or `make bench`.

Contenders answer the same operations over the same data, checked equal to the plain execution's. One core serves and
another asks. Ranked is CPU time per request, from the operating system, as the median of rounds in which contenders
take turns: requests per second depend on who else uses the machine, CPU time per request hardly does.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from benchmarks import modes
from benchmarks.asking import OPERATIONS, PEOPLE
from benchmarks.contenders import all_contenders
from benchmarks.load import Load
from benchmarks.stage import on_stage

Command = TypeVar("Command", bound=Callable[..., Any])
NAMES = [contender.name for contender in all_contenders()]


class Several(click.ParamType):
    """Names with commas between."""

    name = "names"

    def __init__(self, known: list[str]) -> None:
        self.known = known

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        if isinstance(value, list):
            return value
        names = [name.strip() for name in value.split(",") if name.strip()]
        for name in names:
            if name not in self.known:
                self.fail(f"{name!r} is none of {', '.join(self.known)}", param, ctx)
        return names


def common(command: Command) -> Command:
    """What every command is told."""
    options = [
        click.option("--contenders", type=Several(NAMES), default=NAMES, show_default="all", help="Who takes part."),
        click.option(
            "--access-log",
            type=click.Choice(["both", "on", "off"]),
            default="both",
            show_default=True,
            help="Of ascms with and ascms without its access log, who takes part.",
        ),
        click.option("--databases", type=Several(["sqlite", "postgresql"]), default="sqlite,postgresql"),
        click.option("--who", type=Several(list(PEOPLE)), default="lead", show_default=True, help="Who asks."),
        click.option("--cases", default=10_000, show_default=True, help="In the nation; the school has 120 of them."),
        click.option("--seconds", default=5.0, show_default=True, help="Of a round."),
        click.option("--warm-up", default=2.0, show_default=True, help="Seconds before the first round."),
        click.option("--connections", default=32, show_default=True),
        click.option("--server-cores", default="0", show_default=True, help="Cores that serve, with commas between."),
        click.option("--load-core", default=1, show_default=True),
        click.option("--workers", default=1, show_default=True, help="Processes of each contender."),
        click.option("--folder", type=click.Path(path_type=Path), default=Path("var/bench"), show_default=True),
        click.option("--set-up", is_flag=True, help="Install what contenders need first."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def plan(
    contenders: list[str], access_log: str, server_cores: str, load_core: int, connections: int, **rest: Any
) -> modes.Plan:
    """What the options ask for."""
    left_out = {"on": "ascms-nolog", "off": "ascms"}.get(access_log)
    chosen = [one for one in all_contenders() if one.name in contenders and one.name != left_out]
    cores = [int(core) for core in server_cores.split(",")]
    return modes.Plan(contenders=chosen, cores=cores, load=Load(connections, load_core), **rest)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Benchmarks of ascms and its peers."""


@main.command()
@common
@click.option("--operations", type=Several(list(OPERATIONS)), default=",".join(OPERATIONS), show_default=True)
@click.option("--rounds", default=5, show_default=True)
def run(operations: list[str], rounds: int, **options: Any) -> None:
    """As much as each takes: CPU per request, requests/s, latency, memory."""
    modes.side_by_side(plan(**options), operations, rounds)


@main.command()
@common
@click.option("--operations", type=Several(list(OPERATIONS)), default="home,case", show_default=True)
@click.option("--share", default=0.5, show_default=True, help="Of the most it takes.")
def rate(operations: list[str], share: float, **options: Any) -> None:
    """Latency at a constant rate, half of the most that each takes."""
    modes.at_half(plan(**options), operations, share)


@main.command()
@common
@click.option("--rounds", default=5, show_default=True)
def start(rounds: int, **options: Any) -> None:
    """Cold start: time and CPU until ready and answered for the first time; memory per worker."""
    modes.cold_start(plan(**options), rounds)


@main.command()
@common
@click.option("--rate", "per_second", default=200.0, show_default=True, help="Requests per second.")
@click.option("--minutes", default=10.0, show_default=True)
def monday(per_second: float, minutes: float, **options: Any) -> None:
    """The nation's Monday: the mix at a steady rate, people not waiting for each other; headroom told."""
    modes.monday(plan(**options), per_second, minutes)


@main.command()
@click.option("--seconds", default=600.0, show_default=True)
@click.option("--rate", default=200.0, show_default=True, help="Operations per second, of the mix.")
@click.option("--subscriptions", default=1000, show_default=True, help="Open at the same time.")
@click.option("--workers", default=2, show_default=True)
@click.option("--settle", default=60.0, show_default=True, help="Seconds that are left out of the memory's slope.")
@click.option("--database", "kind", type=click.Choice(["postgresql", "sqlite"]), default="postgresql")
@click.option("--cases", default=10_000, show_default=True, help="In the nation; the school has 120 of them.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("var/bench"), show_default=True)
def endure(kind: str, cases: int, folder: Path, **asked: Any) -> None:
    """Many subscriptions and a steady rate of operations together: errors, what was missed, how memory grows."""
    from benchmarks.endure import Asked, endure as run_endurance, in_words, keep

    # No core is set aside: workers, database and load share the machine.
    cores = sorted(os.sched_getaffinity(0))
    with on_stage(kind, cases, folder, cores, modes.say) as stage:
        done = run_endurance(stage, Asked(**asked), modes.say)
    keep(folder, Asked(**asked), done, f"{datetime.now(UTC):%Y-%m-%d-%H%M%S}-endure")
    click.echo(in_words(Asked(**asked), done))
    if not done.is_whole:
        raise click.ClickException("something failed or was missed")


if __name__ == "__main__":
    main()
