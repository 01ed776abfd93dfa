"""The command `ascms`, and how it says what was given wrongly."""

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pydantic import ValidationError


class _Main(click.Group):
    """Turns what was given wrongly into one line. A KeyError is a mistake of ours and keeps its traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (KeyError, IndexError):
            raise
        except (ValueError, LookupError, OSError) as error:
            raise click.ClickException(in_words(error)) from error


def in_words(error: Exception) -> str:
    """What is wrong, settings by the names that people give them."""
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        return "; ".join(lines_of(error))
    if isinstance(error, TimeoutError) and not str(error):
        return "the database has not answered in time; look whether it runs, and is not overloaded"
    return str(error)


def lines_of(error: "ValidationError") -> list[str]:
    """What is wrong with settings, one by one. What may be secret is not repeated."""
    lines = []
    for part in error.errors(include_url=False, include_context=False):
        said = part["msg"].removeprefix("Value error, ")
        if not part["loc"]:
            lines += said.splitlines()
            continue
        name = str(part["loc"][0])
        given = "" if any(word in name for word in ("key", "password", "url", "issuer")) else f" is {part['input']!r}"
        lines.append(f"ASCMS_{name.upper()}{given}: {said}")
    return lines


@click.group(cls=_Main, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ascms")
def main() -> None:
    """The attendance service case management API."""
