"""What an e-mail says, by kind of alert. The case number or the request's reference, and a link: never a name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit

from ascms.casework.calendar import AUCKLAND
from ascms.casework.invitations import TOPIC as INVITATION
from ascms.models import AlertKind
from ascms.settings import Settings

KEY_HEADER: Final = "X-ASCMS-Key"


class NotUnderstoodError(ValueError):
    """The message is not one that this version of ascms knows; another version may have written it."""


@dataclass(frozen=True, slots=True)
class Words:
    """The subject and the sentence of a kind. `{It}` and `{it}` are *Case 00307473*, or *request 152*."""

    subject: str
    sentence: str


TO_THE_GUEST: Final = Words(
    "Your role in {it}",
    "You were given a role there by your organisation. Sign in with the address that this message came to.",
)
TO_THE_SCHOOL: Final = Words(
    "{It} was submitted",
    "The request for support was submitted, and a provider will look at it. Nothing more is needed of you now; your "
    "school's requests show how it goes on.",
)
BY_KIND: Final[Mapping[AlertKind, Words]] = {
    AlertKind.CASE_OPENED: Words(
        "{It} was opened",
        "An attendance case was opened that you have a part in. Open it to see what it is about.",
    ),
    AlertKind.STATUS_CHANGED: Words(
        "{It} has another status", "The status was changed. Open it to see where things stand now."
    ),
    AlertKind.CASE_MANAGER_ASSIGNED: Words(
        "{It} has a case manager", "A case manager was named for it. Open it to see who it is, and what comes next."
    ),
    AlertKind.COMMENT_SHARED: Words("New comment on {it}", "The provider shared a comment with your school."),
    AlertKind.FILE_SHARED: Words("New file on {it}", "The provider shared a file with your school."),
    AlertKind.CONTACT_CHANGED: Words(
        "{It} has another contact", "The school's primary contact was changed. Open it to see who it is now."
    ),
    AlertKind.REQUEST_SUBMITTED: Words(
        "{It} has a new request", "A school asked for support for a student. Open it to see what is asked for."
    ),
    AlertKind.RETURNED_TO_QUEUE: Words(
        "{It} is back in your queue", "It has no case manager now, and waits for you to name another one."
    ),
    AlertKind.STUDENT_ARRIVED: Words(
        "{It} has come to your school",
        "A student with an active case is enrolled at your school now. Please choose the case's primary contact.",
    ),
}

_BODY: Final = """\
Kia ora

{sentence}

{link}

You will be asked to sign in. This message names nobody, so that it cannot tell others about a student.
It was sent by itself: nobody reads replies. The service desk helps: {phone}, {email}.
"""


@dataclass(frozen=True, slots=True)
class Matter:
    """What a message is about: its words, what they call it, and the path of its page."""

    words: Words
    it: str
    path: str


def matter_of(topic: str, payload: Mapping[str, Any]) -> Matter:
    """What the message is about. Raises NotUnderstoodError where this version does not know."""
    if topic == INVITATION:
        return Matter(TO_THE_GUEST, "the attendance service", "")
    kind, number, reference = str(payload.get("kind")), payload.get("case"), payload.get("reference")
    if kind not in AlertKind.__members__ or (number is None and reference is None):
        raise NotUnderstoodError("its kind, or what it is about, is not known to this version")
    words, noun, key = BY_KIND[AlertKind(kind)], "case", number
    if number is None:
        noun, key = "request", reference
        if kind == AlertKind.REQUEST_SUBMITTED:
            words = TO_THE_SCHOOL
    return Matter(words, f"{noun} {key}", f"{noun}s/{quote(str(key), safe='')}")


def letter(settings: Settings, matter: Matter, address: str, *, key: str, written_at: datetime) -> EmailMessage:
    """The e-mail to `address`, the same at each attempt. Raises ValueError for an address that is none."""
    message = EmailMessage(policy=SMTP)
    message["From"] = str(settings.mail_from)
    message["To"] = address
    if len(message["To"].addresses) != 1 or message["To"].defects:
        raise ValueError("this is not one e-mail address")
    message["Subject"] = matter.words.subject.format(It=matter.it[0].upper() + matter.it[1:], it=matter.it)
    message["Date"] = format_datetime(written_at.astimezone(AUCKLAND))
    message["Message-ID"] = f"<{quote(key, safe='')}@{urlsplit(str(settings.public_url)).hostname}>"
    message["Auto-Submitted"] = "auto-generated"
    message[KEY_HEADER] = quote(key, safe="")
    body = _BODY.format(
        sentence=matter.words.sentence,
        link=f"{str(settings.public_url).rstrip('/')}/{matter.path}",
        phone=settings.support_phone,
        email=settings.support_email,
    )
    message.set_content(body, cte="quoted-printable")
    return message
