"""What waits is delivered, at least once, to whoever may still be told, however the mail server behaves."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from ascms.database import engine_for
from ascms.models import AlertKind
from ascms.outbox import Outbox, delivery
from ascms.outbox.delivery import LAST_DELAY, delay_after
from tests.outbox.conftest import CASE, CONTACT, SCHOOL, Box, mailing, until
from tests.support.mail import TAKEN, MailServer

LEAD = "lead@test-college.school.nz"
ISP, WORKFLOW = "78912", "workflow@test-college-isp.school.nz"
ADDRESS_SHOWN = "Primary.Contact@TestCollege.school.nz"


async def test_a_message_reaches_the_address_that_is_shown_with_number_and_link(
    box: Box, mail: MailServer, outbox: Outbox
) -> None:
    key = await box.put()
    row = await box.settled(key)
    [taken] = mail.mails
    assert (taken.recipient, taken.sender) == (ADDRESS_SHOWN, "no-reply@example.nz")
    assert taken.message["Subject"] == f"New comment on case {CASE}"
    assert f"https://attendance.example.nz/portal/cases/{CASE}\n" in taken.text
    assert taken.key == "<comment_shared-alert-1@attendance.example.nz>"
    assert taken.message["X-ASCMS-Key"] == key
    assert taken.message["Auto-Submitted"] == "auto-generated"
    assert (row.attempts, row.last_error, row.next_attempt_at) == (1, None, None)


async def test_messages_are_sent_in_the_order_in_which_they_were_written(
    box: Box, mail: MailServer, outbox: Outbox
) -> None:
    keys = [await box.put() for _ in range(5)]
    await box.settled(keys[-1])
    assert [taken.message["X-ASCMS-Key"] for taken in mail.mails] == keys


async def test_a_commit_in_the_same_process_is_delivered_at_once(
    box: Box, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "LOOK_AGAIN", 1e6)
    async with Outbox(box.engine, mailing(mail.url)) as outbox:
        for _ in range(3):
            key = await box.put()
            outbox.wake()
            await box.settled(key)


async def test_what_another_process_committed_is_found(
    box: Box, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "LOOK_AGAIN", 0.05)
    async with Outbox(box.engine, mailing(mail.url)):
        for _ in range(3):
            await box.settled(await box.put())


async def test_without_a_mail_server_messages_wait(box: Box) -> None:
    key = await box.put()
    async with Outbox(box.engine, mailing("smtp://127.0.0.1:1").model_copy(update={"smtp_url": None})) as outbox:
        outbox.wake()
        await asyncio.sleep(0.1)
    row = await box.get(key)
    assert (row.attempts, row.delivered_at, row.dropped_at) == (0, None, None)


# The mail server is away, or stops halfway --------------------------------------------------------------------


async def test_nothing_is_lost_while_the_mail_server_is_away(
    box: Box, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(delivery, "FIRST_PAUSE", 0.1)
    with MailServer() as gone:
        port = gone.port
    keys = [await box.put() for _ in range(3)]
    async with Outbox(box.engine, mailing(gone.url)):
        first = await box.put_off(keys[0])
        assert "does not serve us" in first.last_error
        assert (first.delivered_at, first.dropped_at) == (None, None)
        with MailServer(port=port) as back:
            await box.time_passes()
            for key in keys:
                await box.settled(key)
            assert {taken.message["X-ASCMS-Key"] for taken in back.mails} == set(keys)
    assert "e-mails wait" in caplog.text


async def test_while_the_mail_server_is_away_a_commit_does_not_make_it_be_tried_again(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "FIRST_PAUSE", 1e6)
    with MailServer() as gone:
        pass
    first, second = await box.put(), await box.put()
    async with Outbox(box.engine, mailing(gone.url)) as outbox:
        await box.put_off(first)
        for _ in range(10):
            outbox.wake()
            await asyncio.sleep(0.02)
    assert (await box.get(second)).attempts == 0


async def test_a_connection_lost_after_the_message_sends_it_again_with_the_same_id(
    box: Box, mail: MailServer, outbox: Outbox
) -> None:
    mail.on_data = lambda taken: TAKEN if len(mail.mails) > 0 else None
    key = await box.put()
    await box.put_off(key)
    await box.time_passes()
    row = await box.settled(key)
    assert row.attempts == 2
    first, second = mail.mails
    assert first.key == second.key
    assert first.content == second.content


async def test_the_end_of_the_server_waits_for_the_message_under_way(box: Box, mail: MailServer) -> None:
    mail.delay = 0.3
    arrived: list[str] = []

    def note(address: str) -> str:
        arrived.append(address)
        return TAKEN

    mail.on_recipient = note
    key, never = await box.put(), await box.put()
    async with Outbox(box.engine, mailing(mail.url)):
        await until(lambda: arrived)
    assert (await box.get(key)).delivered_at is not None
    assert (await box.get(never)).attempts == 0


# The mail server refuses --------------------------------------------------------------------------------------


async def test_what_is_refused_for_now_is_tried_again_later_and_others_meanwhile(
    box: Box, mail: MailServer, outbox: Outbox
) -> None:
    mail.on_recipient = lambda address: "450 4.2.0 greylisted" if address == ADDRESS_SHOWN else TAKEN
    key, other = await box.put(), await box.put(to=LEAD)
    await box.settled(other)
    row = await box.get(key)
    assert row.last_error == "the server does not take the recipient now: 450 4.2.0"
    assert (row.delivered_at, row.dropped_at) == (None, None)
    assert timedelta(seconds=5) < row.next_attempt_at - datetime.now(UTC) < timedelta(seconds=30)
    mail.on_recipient = lambda address: TAKEN
    await box.time_passes()
    assert (await box.settled(key)).last_error is None


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (f"550 5.1.1 <{ADDRESS_SHOWN}> has no mailbox here", "the server refuses the recipient: 550 5.1.1"),
        (f"553 {ADDRESS_SHOWN} is no address", "the server refuses the recipient: 553"),
    ],
)
async def test_what_is_refused_for_good_is_dropped_and_why_is_kept_without_the_address(
    box: Box, mail: MailServer, outbox: Outbox, caplog: pytest.LogCaptureFixture, answer: str, kept: str
) -> None:
    caplog.set_level(logging.DEBUG)
    mail.on_recipient = lambda address: answer
    row = await box.settled(await box.put())
    assert row.delivered_at is None
    assert row.last_error == kept
    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("ascms", "aiosmtplib"))]
    assert "@" not in "".join(ours)


async def test_a_message_that_is_refused_for_its_content_is_dropped(box: Box, mail: MailServer, outbox: Outbox) -> None:
    mail.on_data = lambda taken: "554 5.6.0 not like this"
    row = await box.settled(await box.put())
    assert (row.delivered_at, row.last_error) == (None, "the server refuses the message: 554 5.6.0")


async def test_a_refusal_that_is_about_us_loses_nothing(box: Box, mail: MailServer, outbox: Outbox) -> None:
    mail.on_recipient = lambda address: "550 5.7.1 relaying denied"
    key = await box.put()
    row = await box.put_off(key)
    assert (row.delivered_at, row.dropped_at) == (None, None)
    assert row.last_error == "the server does not take the recipient now: 550 5.7.1"


async def test_an_address_that_is_none_is_dropped_and_the_others_go_on(
    box: Box, mail: MailServer, outbox: Outbox
) -> None:
    for address in ("nobody", "a@b.nz, c@d.nz", "a@b.nz\r\nBcc: c@d.nz", ""):
        await box.execute(
            "UPDATE user_account SET email = :address WHERE username = :who", address=address, who=CONTACT
        )
        row = await box.settled(await box.put())
        assert (row.delivered_at, row.dropped_at is not None) == (None, True)
    assert mail.mails == []
    await box.settled(await box.put(to=LEAD))
    assert len(mail.mails) == 1


async def test_what_another_version_wrote_waits_for_it(box: Box, mail: MailServer, outbox: Outbox) -> None:
    key = await box.put("KIND_OF_NEXT_YEAR")
    row = await box.put_off(key)
    assert (row.delivered_at, row.dropped_at) == (None, None)


@given(st.integers(1, 10_000))
def test_attempts_are_further_and_further_apart_up_to_an_hour(attempts: int) -> None:
    longest = min(timedelta(seconds=30) * 2 ** min(attempts - 1, 10), timedelta(hours=1))
    assert longest / 2 <= delay_after(attempts) <= longest <= LAST_DELAY


# Several processes --------------------------------------------------------------------------------------------


async def test_of_several_processes_one_sends_each_message(box: Box, world_url: str, mail: MailServer) -> None:
    mail.delay = 0.02
    keys = [await box.put() for _ in range(40)]
    engines = [engine_for(world_url) for _ in range(3)]
    try:
        first, second, third = (Outbox(engine, mailing(mail.url)) for engine in engines)
        async with first, second, third:
            for key in keys:
                await box.settled(key)
    finally:
        for engine in engines:
            await engine.dispose()
    assert sorted(str(taken.message["X-ASCMS-Key"]) for taken in mail.mails) == sorted(keys)
    assert {(await box.get(key)).attempts for key in keys} == {1}


# Who may still be told ----------------------------------------------------------------------------------------

ROLES = "UPDATE role_assignment SET {} WHERE user_id = (SELECT id FROM user_account WHERE username = :who)"
LOST = {
    "gave up the role": ROLES.format("ended_at = '2026-05-11 00:00:00+00:00'"),
    "the role is not approved": ROLES.format("approved_at = NULL, approved_by_id = NULL"),
    "is an authoriser only": ROLES.format("role = 'DELEGATED_AUTHORISER'"),
    "the organisation is closed": "UPDATE organisation SET status = 'CLOSED' WHERE :who IS NOT NULL",
    "the training is gone": "UPDATE user_account SET training_completed_at = NULL, training_certified_by_id = NULL "
    "WHERE username = :who",
}


@pytest.mark.parametrize("how", LOST)
async def test_who_has_lost_their_role_meanwhile_is_told_nothing(
    box: Box, mail: MailServer, outbox: Outbox, how: str
) -> None:
    statement = LOST[how]
    if box.engine.dialect.name == "postgresql":
        statement = statement.replace(":who IS NOT NULL", "CAST(:who AS text) IS NOT NULL")
    await box.execute(statement, who=WORKFLOW)
    row = await box.settled(await box.put(AlertKind.RETURNED_TO_QUEUE, to=WORKFLOW, at=ISP))
    assert (row.delivered_at, row.dropped_at is not None) == (None, True)
    assert row.last_error == "the recipient has no role there any more that reaches this"
    assert mail.mails == []


async def test_a_role_elsewhere_does_not_count(box: Box, mail: MailServer, outbox: Outbox) -> None:
    row = await box.settled(await box.put(to=CONTACT, at=ISP))
    assert row.dropped_at is not None
    assert mail.mails == []


async def test_who_is_kept_apart_from_the_student_meanwhile_is_told_nothing_until_the_block_is_lifted(
    box: Box, mail: MailServer, outbox: Outbox
) -> None:
    await box.execute(
        "INSERT INTO access_block (user_id, student_id, reason, set_by_id, set_at) "
        "SELECT u.id, c.student_id, 'a relative', s.id, '2026-05-11 00:00:00+00:00' "
        "FROM user_account u, user_account s, case_record c "
        "WHERE u.username = :who AND s.username = :setter AND c.number = :number",
        who=CONTACT, setter=LEAD, number=CASE,
    )  # fmt: skip
    row = await box.settled(await box.put())
    assert (row.delivered_at, row.last_error) == (None, "the recipient may not be told of this")
    await box.execute("UPDATE access_block SET lifted_at = '2026-05-11 01:00:00+00:00'")
    assert (await box.settled(await box.put())).delivered_at is not None
    assert len(mail.mails) == 1


@pytest.mark.parametrize(("kind", "to", "at"), [("COMMENT_SHARED", CONTACT, SCHOOL), ("STATUS_CHANGED", WORKFLOW, ISP)])
async def test_who_no_longer_has_the_case_meanwhile_is_told_nothing(
    box: Box, mail: MailServer, outbox: Outbox, kind: str, to: str, at: str
) -> None:
    """The student changed school, the case was handed on: its new school and provider are told, not the old ones."""
    other = "(SELECT id FROM organisation WHERE number = '{}')"
    moved = f"school_id = {other.format('1235')}, provider_id = {other.format('5001')}"
    await box.execute(f"UPDATE case_record SET {moved} WHERE number = :number", number=CASE)
    row = await box.settled(await box.put(kind, to=to, at=at))
    assert row.last_error == "what the message is about is not the recipient's organisation's any more"
    assert mail.mails == []


async def test_of_what_is_shared_those_are_told_who_may_read_it(box: Box, mail: MailServer, outbox: Outbox) -> None:
    """A contact who is Office Support meanwhile reads no comment of the provider's, and hears of none."""
    await box.execute(ROLES.format("role = 'OFFICE_SUPPORT'"), who=CONTACT)
    for kind in ("COMMENT_SHARED", "FILE_SHARED"):
        assert (await box.settled(await box.put(kind))).delivered_at is None
    assert (await box.settled(await box.put("STATUS_CHANGED"))).delivered_at is not None
    assert len(mail.mails) == 1


async def test_the_address_is_that_of_the_moment_of_sending(box: Box, mail: MailServer) -> None:
    key = await box.put()
    await box.execute("UPDATE user_account SET email = 'new@example.nz' WHERE username = :who", who=CONTACT)
    async with Outbox(box.engine, mailing(mail.url)):
        await box.settled(key)
    assert [taken.recipient for taken in mail.mails] == ["new@example.nz"]


async def test_a_message_about_what_is_not_there_is_dropped(box: Box, mail: MailServer, outbox: Outbox) -> None:
    row = await box.settled(await box.put(case="99999999"))
    assert (row.delivered_at, row.last_error) == (None, "what the message is about is not there")


async def test_whoever_submitted_a_request_has_it_confirmed(box: Box, mail: MailServer, outbox: Outbox) -> None:
    await box.settled(await box.put(AlertKind.REQUEST_SUBMITTED, case=None, reference="152", at=SCHOOL))
    [taken] = mail.mails
    assert taken.message["Subject"] == "Request 152 was submitted"
    assert "https://attendance.example.nz/portal/requests/152\n" in taken.text


async def test_whoever_was_invited_is_mailed_while_they_hold_the_role_be_it_in_effect_or_not(
    box: Box, mail: MailServer, outbox: Outbox
) -> None:
    untrained = "untrained@waikato-attendance.nz"
    asp = await box.scalar(
        "SELECT o.number FROM organisation o JOIN role_assignment r ON r.organisation_id = o.id "
        "JOIN user_account u ON u.id = r.user_id WHERE u.username = :who",
        who=untrained,
    )
    row = await box.settled(await box.put(topic="invitation", to=untrained, at=asp))
    assert row.delivered_at is not None
    [taken] = mail.mails
    assert taken.message["Subject"] == "Your role in the attendance service"
    assert "https://attendance.example.nz/portal/\n" in taken.text
    await box.execute(ROLES.format("ended_at = '2026-05-11 00:00:00+00:00'"), who=untrained)
    row = await box.settled(await box.put(topic="invitation", to=untrained, at=asp))
    assert (row.delivered_at, row.dropped_at is not None) == (None, True)
