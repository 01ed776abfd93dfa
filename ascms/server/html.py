"""How a page is made: a template, autoescaped, under a content security policy that lets nothing in from elsewhere."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from ascms.models import Role

STRICT = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
"""Our own files and nothing inline."""

EDITOR = STRICT | {"style-src": "'self' 'unsafe-inline'", "font-src": "'self' data:", "worker-src": "'self'"}
"""For the IDE: its editor positions text with inline styles, carries its fonts, and thinks in workers."""


def role_name(role: str) -> str:
    """A role as people say it.

    >>> role_name("ATTENDANCE_LEAD")
    'Attendance Lead'
    """
    return role.replace("_", " ").title()


_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters["role_name"] = role_name
_environment.globals["all_roles"] = tuple(Role)


def page(template: str, *, policy: dict[str, str] = STRICT, **context: object) -> Response:
    """The page `template` with `context`. Never stored by caches: it may name people of the demo."""
    policy_line = "; ".join(f"{directive} {sources}" for directive, sources in policy.items())
    return HTMLResponse(
        _environment.get_template(template).render(context),
        headers={"Content-Security-Policy": policy_line, "Cache-Control": "no-store"},
    )
