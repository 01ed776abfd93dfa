"""`python -m supply_chain`: says what is wrong, and fails where something is."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from .advisories import look_up
from .findings import unexplained
from .licences import refused
from .locks import flaws, lock_files, pins

STALE = timedelta(days=30)
IGNORED: dict[str, str] = {}
"""Advisories that do not apply to us, each with the reason."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--advisories",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("var/advisories"),
    show_default=True,
    help="A folder of OSV's JSON files or zip archives; nothing is fetched.",
)
@click.option("--require-advisories", is_flag=True, help="Fail where there are none, or only stale ones.")
@click.option("--bandit/--no-bandit", default=True, help="Whether to run bandit too.")
def main(advisories: Path, *, require_advisories: bool, bandit: bool) -> None:
    """Check hashes, licences, known vulnerabilities and bandit's findings, offline."""
    locks = lock_files()
    pinned = [pin for path in locks for pin in pins(path)]
    wrong = [flaw for path in locks for flaw in flaws(path)]
    wrong += refused(pinned)
    click.echo(f"{len(pinned)} pins in {len(locks)} lock files: hashes and licences looked at.")
    now = datetime.now(UTC)
    found = look_up(pinned, advisories, IGNORED)
    wrong += found.hits
    if found.newest is None:
        told = f"NOT CHECKED for vulnerabilities: there are no advisories in {advisories} (docs/supply-chain.md)."
    else:
        told = f"{found.read} advisories held against the pins; the newest is of {found.newest:%Y-%m-%d}."
        if now - found.newest > STALE:
            told += " They are STALE: bring newer ones (docs/supply-chain.md)."
    click.echo(told)
    if require_advisories and (found.newest is None or now - found.newest > STALE):
        wrong.append("advisories are required, and there are none that are new enough")
    if bandit:
        wrong += unexplained()
        click.echo("Bandit has run.")
    for sentence in wrong:
        click.echo(sentence, err=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
