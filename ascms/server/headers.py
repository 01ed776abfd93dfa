"""What every response tells a browser: to show, frame, guess and lend nothing of ours."""

from typing import Final

from starlette.types import Message, Send

from ascms.settings import Settings

NOTHING: Final = "default-src 'none'; frame-ancestors 'none'"
"""The content security policy of what is no page."""
ON_EVERY_ANSWER: Final = {
    "Cache-Control": "no-store",
    "Vary": "Accept, Authorization, X-ASCMS-Organisation",
    "Content-Security-Policy": NOTHING,
}
"""What every answer of `/graphql` says."""
_CONSTANT: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"),
)


def security_headers(settings: Settings) -> list[tuple[str, str]]:
    """The headers that the HTTP server puts on every response, its own refusals among them."""
    if not settings.strict_transport_seconds:
        return list(_CONSTANT)
    return [
        *_CONSTANT,
        ("Strict-Transport-Security", f"max-age={settings.strict_transport_seconds}; includeSubDomains"),
    ]


def with_a_policy(send: Send) -> Send:
    """Sends; and tells what is no page, and so has no content security policy, to let nothing in."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message.get("headers", [])
            if not any(name.lower() == b"content-security-policy" for name, _ in headers):
                message = {**message, "headers": [*headers, (b"content-security-policy", NOTHING.encode())]}
        await send(message)

    return sending
