"""Files, from upload to download: what is kept, who may add and fetch, and what of it is logged and left behind."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import httpx
import pytest

from ascms.database import state_directory
from ascms.server.files import FileAddresses
from ascms.storage import MOST_BYTES
from tests.storage.documents import EXE, KEPT, MARKUP, PDF, PNG, WITH_MACROS
from tests.support.s3 import S3Server
from tests.support.server import DemoServer, Server
from tests.support.sql import execute, rows

LEAD = "lead@test-college.school.nz"
CONTACT = "contact@test-college.school.nz"
OFFICE = "office@test-college.school.nz"
WORKFLOW = "workflow@test-college-isp.school.nz"
MANAGER = "manager@test-college-isp.school.nz"
SECOND = "lead@second-school.school.nz"
PRIVACY = "privacy@ministry.nz"
TESTPERSON = "testperson@test-college.school.nz"
CASE = "00307473"
DRAFT = "152"

ADD = """mutation Add($input: AddFileInput!) {
  addFile(input: $input) {
    file { id name mediaType sizeBytes sha256 visibility uploadedBy { displayName } downloadUrl }
    case { number files { totalCount } }
    request { reference version files { totalCount } }
    problems { __typename code message path }
  }
}"""
FILES = "query($number: String!) { case(number: $number) { files { nodes { id name visibility downloadUrl } } } }"


def send(
    server: Server,
    email: str | None,
    content: bytes,
    name: str = "letter.pdf",
    organisation: str | None = None,
    headers: dict[str, str] | None = None,
    **members: Any,
) -> httpx.Response:
    """`addFile` as a client sends it."""
    where = {} if "reference" in members else {"number": CASE}
    operations = {"query": ADD, "variables": {"input": {**where, **members, "file": None}}}
    authorization = {} if email is None else {"Authorization": f"Bearer {server.token(email, organisation)}"}
    return server.client.post(
        "/graphql",
        data={"operations": json.dumps(operations), "map": json.dumps({"0": ["variables.input.file"]})},
        files={"0": (name, content, "application/octet-stream")},
        headers={"Accept": "application/graphql-response+json", **authorization, **(headers or {})},
    )


@pytest.mark.parametrize("kind", ["DateTime", "Date", "String", "ID", "Int", "Boolean", "CaseStatus", "CaseFilter"])
def test_a_file_in_another_ones_place_tells_nothing_of_where_it_is(server: DemoServer, kind: str) -> None:
    operations = {"query": f"query Q($x: {kind}) {{ viewer {{ roles }} case(number: $x) {{ id }} }}"}
    response = server.client.post(
        "/graphql",
        data={
            "operations": json.dumps({**operations, "variables": {"x": None}}),
            "map": json.dumps({"0": ["variables.x"]}),
        },
        files={"0": ("letter.pdf", PDF, "application/octet-stream")},
        headers={"Authorization": f"Bearer {server.token(LEAD)}"},
    )
    assert "errors" in response.json()
    assert not [word for word in ("incoming", "Path", "letter", "octet") if word in response.text], response.text


def add(server: DemoServer, email: str, content: bytes, name: str = "letter.pdf", **given: Any) -> Any:
    """The payload of `addFile`."""
    response = send(server, email, content, name, **given)
    assert response.status_code == 200, response.text
    assert "errors" not in response.json(), response.text
    return response.json()["data"]["addFile"]


def added(server: DemoServer, email: str, content: bytes, name: str = "letter.pdf", **given: Any) -> Any:
    """The file that was added."""
    payload = add(server, email, content, name, **given)
    assert payload["problems"] == []
    return payload["file"]


def state(server: DemoServer) -> Path:
    return server.folder / state_directory(server.database)


def contents(server: DemoServer) -> set[Path]:
    """What the local storage holds, and what lies about beside it."""
    return {path for folder in ("files", "incoming") for path in (state(server) / folder).rglob("*") if path.is_file()}


def count(server: DemoServer, table: str) -> int:
    number: int = rows(server.database, f"SELECT count(*) FROM {table}")[0][0]
    return number


@pytest.fixture
def unchanged(changing: DemoServer) -> Iterator[None]:
    """What is done leaves no row and no content."""
    before = (count(changing, "file"), count(changing, "change_entry"), contents(changing))
    yield
    assert (count(changing, "file"), count(changing, "change_entry"), contents(changing)) == before


NOTHING = "There is nothing for you at this address; ask for File.downloadUrl again.\n"


def assert_nothing(response: httpx.Response) -> None:
    assert (response.status_code, response.text) == (404, NOTHING)
    assert "content-disposition" not in response.headers


# Adding and fetching -----------------------------------------------------------------------------------------


def test_a_file_comes_back_as_it_was_sent(changing: DemoServer) -> None:
    content = PDF + bytes(range(256)) * 9_000
    before = contents(changing)
    file = added(changing, LEAD, content, 'Ngā kōrero "tahi".pdf')
    assert file["mediaType"] == "application/pdf"
    assert (file["sizeBytes"], file["sha256"]) == (len(content), sha256(content).hexdigest())
    (stored,) = contents(changing) - before
    assert stored.read_bytes() == content
    response = changing.client.get(file["downloadUrl"])
    assert (response.status_code, response.content) == (200, content)
    assert response.headers["content-type"] == "application/pdf"
    assert response.headers["content-length"] == str(len(content))
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in response.headers["content-security-policy"]
    kind, plain, encoded = response.headers["content-disposition"].split("; ")
    assert (kind, plain) == ("attachment", 'filename="Nga korero _22tahi_22.pdf"')
    assert unquote(encoded.removeprefix("filename*=UTF-8''")) == file["name"]


@pytest.mark.parametrize("name", KEPT)
def test_each_kind_that_is_kept_is_told_from_its_content(changing: DemoServer, name: str) -> None:
    content, media_type = KEPT[name]
    file = added(changing, WORKFLOW, content, name)
    assert file["mediaType"] == media_type
    response = changing.client.get(file["downloadUrl"])
    assert response.content == content
    assert response.headers["content-type"].partition(";")[0] == media_type


def test_a_file_is_saved_as_what_it_is_and_not_as_what_its_name_says(changing: DemoServer) -> None:
    file = added(changing, WORKFLOW, PNG, "../../invoice.exe")
    assert (file["name"], file["mediaType"]) == ("invoice.exe", "image/png")
    response = changing.client.get(file["downloadUrl"])
    assert 'filename="invoice.exe.png"' in response.headers["content-disposition"]


def test_a_file_of_25_mib_is_kept(changing: DemoServer) -> None:
    content = PDF + b"\n" * (MOST_BYTES - len(PDF))
    file = added(changing, WORKFLOW, content)
    assert file["sizeBytes"] == 26_214_400
    assert changing.client.get(file["downloadUrl"]).content == content


@pytest.mark.usefixtures("unchanged")
def test_a_file_of_one_byte_more_is_not(changing: DemoServer) -> None:
    response = send(changing, WORKFLOW, PDF + b"\n" * (MOST_BYTES - len(PDF) + 1))
    assert response.status_code == 413
    assert "26,214,400" in response.json()["errors"][0]["message"]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(b"", "empty", id="nothing"),
        pytest.param(EXE, "of none of the kinds", id="a program"),
        pytest.param(MARKUP["HTML"], "web page", id="a web page"),
        pytest.param(WITH_MACROS["docm"], "macros", id="macros"),
    ],
)
def test_what_is_not_kept_is_a_problem_that_says_why(changing: DemoServer, content: bytes, told: str) -> None:
    payload = add(changing, WORKFLOW, content, "photo.png")
    assert payload["file"] is None
    (problem,) = payload["problems"]
    assert (problem["__typename"], problem["path"]) == ("InvalidInput", ["input", "file"])
    assert told in problem["message"]


# Whose it is -------------------------------------------------------------------------------------------------


def names(server: DemoServer, email: str, number: str = CASE) -> set[str]:
    answer = server.ask(email, FILES, {"number": number})
    return {file["name"] for file in answer.data["case"]["files"]["nodes"]}


@pytest.mark.parametrize("email", [LEAD, CONTACT, OFFICE])
def test_a_schools_file_is_always_shared_with_it(changing: DemoServer, email: str) -> None:
    name = f"{uuid4()}.pdf"
    assert added(changing, email, PDF, name)["visibility"] == "SHARED"
    assert name in names(changing, WORKFLOW)
    assert name in names(changing, LEAD)


@pytest.mark.usefixtures("unchanged")
def test_a_school_cannot_keep_a_file_from_itself(changing: DemoServer) -> None:
    (problem,) = add(changing, LEAD, PDF, visibility="INTERNAL")["problems"]
    assert problem["path"] == ["input", "visibility"]


def test_a_providers_file_is_its_own_unless_it_is_shared(changing: DemoServer) -> None:
    alerts = "alert WHERE kind = 'FILE_SHARED'"
    before = count(changing, alerts)
    internal = added(changing, WORKFLOW, PDF, "internal-plan.pdf")
    assert internal["visibility"] == "INTERNAL"
    assert "internal-plan.pdf" not in names(changing, LEAD)
    assert count(changing, alerts) == before
    assert added(changing, WORKFLOW, PDF, "shared-plan.pdf", visibility="SHARED")["visibility"] == "SHARED"
    assert "shared-plan.pdf" in names(changing, LEAD)
    assert "shared-plan.pdf" not in names(changing, OFFICE)
    assert count(changing, alerts) == before + 1


def test_a_draft_takes_files_and_keeps_its_version(changing: DemoServer) -> None:
    payload = add(changing, CONTACT, PDF, reference=DRAFT)
    assert payload["problems"] == []
    assert payload["request"]["reference"] == DRAFT
    assert payload["request"]["files"]["totalCount"] > 0
    version = rows(changing.database, "SELECT version FROM request WHERE reference = '152'")[0][0]
    assert payload["request"]["version"] == version
    (missing,) = add(changing, WORKFLOW, PDF, reference=DRAFT)["problems"]
    assert (missing["code"], missing["path"]) == ("NOT_FOUND", ["input", "reference"])


def test_office_support_adds_to_no_draft_but_its_own(changing: DemoServer) -> None:
    (problem,) = add(changing, OFFICE, PDF, reference=DRAFT)["problems"]
    assert (problem["code"], "Office Support on their own" in problem["message"]) == ("NOT_POSSIBLE_NOW", True)
    mine = f"UPDATE request SET created_by_id = {{}} WHERE reference = '{DRAFT}'"
    execute(changing.database, mine.format(user(changing, OFFICE)))
    try:
        assert added(changing, OFFICE, PDF, reference=DRAFT)["visibility"] == "SHARED"
    finally:
        execute(changing.database, mine.format(user(changing, CONTACT)))


def test_a_provider_adds_to_the_request_of_its_case(changing: DemoServer) -> None:
    asked = '{ request(number: "152479128") { reference } }'
    reference = changing.ask(WORKFLOW, asked).data["request"]["reference"]
    payload = add(changing, WORKFLOW, PDF, "for-request.pdf", reference=reference, visibility="SHARED")
    assert (payload["file"]["visibility"], payload["case"]["number"]) == ("SHARED", CASE)
    files = '{ request(number: "152479128") { files { nodes { name } } } }'
    for email in (WORKFLOW, LEAD):
        assert {"name": "for-request.pdf"} in changing.ask(email, files).data["request"]["files"]["nodes"]


def test_what_a_provider_keeps_internal_on_a_request_moves_no_time_of_the_schools(changing: DemoServer) -> None:
    """Else the school knows when there is something that it may not see, and its list of requests begins with it."""
    asked = '{ request(number: "152479128") { reference lastModifiedAt version files { totalCount } } }'
    before = changing.ask(LEAD, asked).data["request"]
    added(changing, WORKFLOW, PDF, "internal.pdf", reference=before["reference"])
    assert changing.ask(LEAD, asked).data["request"] == before
    added(changing, WORKFLOW, PDF, "shared.pdf", reference=before["reference"], visibility="SHARED")
    after = changing.ask(LEAD, asked).data["request"]
    assert after["lastModifiedAt"] > before["lastModifiedAt"]
    assert after["files"]["totalCount"] == before["files"]["totalCount"] + 1


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("email", "number"), [(SECOND, CASE), (MANAGER, "00289396"), (LEAD, "99999999")], ids=["school", "manager", "none"]
)
def test_a_case_that_is_not_ones_own_takes_no_file(changing: DemoServer, email: str, number: str) -> None:
    (problem,) = add(changing, email, PDF, number=number)["problems"]
    assert (problem["code"], problem["path"]) == ("NOT_FOUND", ["input", "number"])


@pytest.mark.usefixtures("unchanged")
def test_a_file_is_for_a_case_or_for_a_request(changing: DemoServer) -> None:
    for members in ({"number": None}, {"number": CASE, "reference": DRAFT}):
        (problem,) = add(changing, LEAD, PDF, **members)["problems"]
        assert (problem["code"], "one of them" in problem["message"]) == ("INVALID", True)


@pytest.mark.usefixtures("unchanged")
def test_the_privacy_officer_adds_none(changing: DemoServer) -> None:
    response = send(changing, PRIVACY, PDF)
    assert response.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_a_closed_case_takes_no_file(changing: DemoServer) -> None:
    closed = changing.ask(WORKFLOW, "{ cases(where: {status: {eq: CLOSED}}) { nodes { number } } }")
    number = closed.data["cases"]["nodes"][0]["number"]
    before = contents(changing)
    (problem,) = add(changing, WORKFLOW, PDF, number=number)["problems"]
    assert problem["code"] == "NOT_POSSIBLE_NOW"
    assert contents(changing) == before


# Once only ---------------------------------------------------------------------------------------------------


def test_the_same_file_sent_again_with_its_key_is_added_once(changing: DemoServer) -> None:
    before = (count(changing, "file"), len(contents(changing)))
    headers = {"Idempotency-Key": str(uuid4())}
    ids = {added(changing, WORKFLOW, PDF, headers=headers)["id"] for _ in range(3)}
    assert len(ids) == 1
    assert (count(changing, "file"), len(contents(changing))) == (before[0] + 1, before[1] + 1)
    for other in ({"content": PDF + b"\n"}, {"content": PDF, "name": "other.pdf"}):
        response = send(changing, WORKFLOW, headers=headers, **other)
        assert "was used for another request" in response.json()["errors"][0]["message"]
    assert (count(changing, "file"), len(contents(changing))) == (before[0] + 1, before[1] + 1)


# How it is sent ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["null", '"letter.pdf"', "1", "{}"])
def test_a_file_is_sent_as_a_part_and_as_nothing_else(changing: DemoServer, value: str) -> None:
    query = 'mutation { addFile(input: {number: "00307473", file: FILE}) { problems { message } } }'
    inline = changing.ask(WORKFLOW, query.replace("FILE", value))
    variables = changing.ask(WORKFLOW, ADD, {"input": {"number": CASE, "file": json.loads(value)}})
    for answer in (inline, variables):
        assert (answer.status, answer.codes) == (400, ["BAD_USER_INPUT"])
    if value == '"letter.pdf"':
        assert "multipart" in variables.errors[0]["message"]


@pytest.mark.usefixtures("unchanged")
def test_without_a_token_nothing_of_a_body_is_read(changing: DemoServer) -> None:
    token = changing.token(WORKFLOW)
    for headers in ({}, {"Cookie": f"token={token}; Authorization={token}"}, {"Authorization": "Bearer x"}):
        response = send(changing, None, PDF, headers=headers)
        assert response.status_code == 401


@pytest.mark.usefixtures("unchanged")
def test_an_upload_that_breaks_off_leaves_nothing(changing: DemoServer) -> None:
    request = changing.client.build_request(
        "POST",
        "/graphql",
        data={"operations": json.dumps({"query": ADD, "variables": {"input": {"number": CASE, "file": None}}}),
              "map": '{"0": ["variables.input.file"]}'},
        files={"0": ("a.pdf", PDF + b"\n" * 5_000_000)},
        headers={"Authorization": f"Bearer {changing.token(WORKFLOW)}"},
    )  # fmt: skip
    body = request.read()
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    with socket.create_connection(("127.0.0.1", changing.port)) as connection:
        connection.sendall(f"POST /graphql HTTP/1.1\r\n{head}\r\n".encode() + body[:3_000_000])
        while not any((state(changing) / "incoming").iterdir()):
            time.sleep(0.01)
    while any((state(changing) / "incoming").iterdir()):
        time.sleep(0.01)


# Fetching, and who no longer may -----------------------------------------------------------------------------


def key_of(server: DemoServer, file: Any) -> int:
    key: int = rows(server.database, "SELECT max(id) FROM file WHERE sha256 = :sha", sha=file["sha256"])[0][0]
    return key


def user(server: DemoServer, email: str) -> int:
    key: int = rows(server.database, "SELECT id FROM user_account WHERE username = :email", email=email)[0][0]
    return key


@pytest.fixture
def file(changing: DemoServer) -> Any:
    """A file that the school's lead has added, with its address for the lead."""
    return added(changing, LEAD, PDF + uuid4().bytes, f"{uuid4()}.pdf")


def test_an_address_is_for_who_was_given_it(changing: DemoServer, file: Any) -> None:
    address = file["downloadUrl"]

    def fetched_by(email: str) -> httpx.Response:
        return changing.client.get(address, headers={"Authorization": f"Bearer {changing.token(email)}"})

    assert fetched_by(LEAD).status_code == 200
    assert_nothing(fetched_by(WORKFLOW))
    assert_nothing(changing.client.get(address, headers={"Authorization": "Bearer x"}))


def test_an_address_that_was_changed_is_none(changing: DemoServer, file: Any) -> None:
    _, _, address = file["downloadUrl"].rpartition("/")
    *claims, signature = address.split(".")
    assert changing.client.get(f"/files/{address}").status_code == 200
    for at in range(len(claims)):
        others = [*claims]
        others[at] = str(int(others[at]) + 1)
        assert_nothing(changing.client.get(f"/files/{'.'.join(others)}.{signature}"))
    for made_up in ("x", "1.2.3.4.5.x", f"{address}x", "māori", ".".join(claims)):
        assert_nothing(changing.client.get(f"/files/{made_up}"))


def addresses(server: DemoServer) -> FileAddresses:
    return FileAddresses((state(server) / "secret_key").read_text().strip().encode())


def signed(
    server: DemoServer, file: Any, email: str, *roles: str, number: str = "1234", age: timedelta = timedelta()
) -> str:
    """An address as the server signs it for a person who acts in these roles, in truth or not."""
    organisation = rows(server.database, "SELECT id FROM organisation WHERE number = :number", number=number)[0][0]
    acting = SimpleNamespace(organisation_id=organisation)
    viewer = SimpleNamespace(user_id=user(server, email), acting=acting, roles=set(roles))
    facts: Any = SimpleNamespace(now=datetime.now(UTC) - age, viewer=viewer)
    secret = (state(server) / "secret_key").read_text().strip().encode()
    return FileAddresses(secret).sign(key_of(server, file), facts)


def test_an_address_is_good_for_five_minutes(changing: DemoServer, file: Any) -> None:
    def fetched(age: timedelta) -> httpx.Response:
        return changing.client.get(signed(changing, file, LEAD, "ATTENDANCE_LEAD", age=age))

    assert fetched(timedelta(minutes=4)).status_code == 200
    assert_nothing(fetched(timedelta(minutes=5, seconds=1)))


def test_an_address_that_we_signed_gives_no_more_than_the_policy(changing: DemoServer) -> None:
    internal = added(changing, WORKFLOW, PDF + uuid4().bytes, "internal.pdf")
    for email, role, number in (
        (LEAD, "ATTENDANCE_LEAD", "1234"),
        (LEAD, "WORKFLOW_LEAD", "1234"),
        (LEAD, "WORKFLOW_LEAD", "78912"),
        (OFFICE, "OFFICE_SUPPORT", "1234"),
        (PRIVACY, "PRIVACY_OFFICER", "9000"),
    ):
        assert_nothing(changing.client.get(signed(changing, internal, email, role, number=number)))


def test_an_address_is_for_the_roles_that_it_was_given_to(changing: DemoServer) -> None:
    internal = added(changing, WORKFLOW, PDF + uuid4().bytes, "internal.pdf")
    as_lead = signed(changing, internal, TESTPERSON, "WORKFLOW_LEAD", number="78912")
    as_manager = signed(changing, internal, TESTPERSON, "CASE_MANAGER", number="78912")
    assert changing.client.get(as_lead).status_code == 200
    assert_nothing(changing.client.get(as_manager))


@pytest.mark.parametrize(
    ("takes_away", "gives_back"),
    [
        pytest.param(
            "UPDATE role_assignment SET ended_at = '2026-01-01 00:00:00' WHERE user_id = {user} AND ended_at IS NULL",
            "UPDATE role_assignment SET ended_at = NULL WHERE user_id = {user} AND ended_at = '2026-01-01 00:00:00'",
            id="their role",
        ),
        pytest.param(
            "UPDATE file SET in_error_at = uploaded_at WHERE id = {file}",
            "UPDATE file SET in_error_at = NULL WHERE id = {file}",
            id="the file, entered in error",
        ),
        pytest.param(
            "INSERT INTO access_block (user_id, student_id, reason, set_by_id, set_at) "
            "SELECT {user}, student_id, 'kept apart', {user}, opened_at FROM case_record WHERE number = '00307473'",
            "DELETE FROM access_block WHERE user_id = {user} AND reason = 'kept apart'",
            id="the student",
        ),
        pytest.param(
            "UPDATE case_record SET school_id = NULL WHERE number = '00307473'",
            "UPDATE case_record SET school_id = (SELECT id FROM organisation WHERE number = '1234') "
            "WHERE number = '00307473'",
            id="the case",
        ),
        pytest.param(
            "UPDATE organisation SET status = 'CLOSED' WHERE number = '1234'",
            "UPDATE organisation SET status = 'OPEN' WHERE number = '1234'",
            id="the organisation",
        ),
    ],
)
def test_an_address_ends_with_the_right_to_it(
    changing: DemoServer, file: Any, takes_away: str, gives_back: str
) -> None:
    named = {"user": user(changing, LEAD), "file": key_of(changing, file)}
    execute(changing.database, takes_away.format(**named))
    try:
        assert_nothing(changing.client.get(file["downloadUrl"]))
    finally:
        execute(changing.database, gives_back.format(**named))
    assert changing.client.get(file["downloadUrl"]).status_code == 200


def test_a_file_whose_content_is_gone_is_not_to_be_had(changing: DemoServer) -> None:
    query = "{ cases(first: 20) { nodes { number files { nodes { downloadUrl } } } } }"
    nodes = changing.ask(WORKFLOW, query).data["cases"]["nodes"]
    invented = [file["downloadUrl"] for case in nodes if case["number"] != CASE for file in case["files"]["nodes"]]
    assert_nothing(changing.client.get(invented[0]))


def test_a_content_that_was_changed_behind_our_back_never_arrives_whole(changing: DemoServer) -> None:
    before = contents(changing)
    content = PDF + b"\n" * 3_000_000
    file = added(changing, LEAD, content)
    (stored,) = contents(changing) - before
    stored.write_bytes(content[:-1] + b"x")
    with pytest.raises(httpx.RemoteProtocolError):
        changing.client.get(file["downloadUrl"])


def test_nothing_else_of_the_machine_is_served(changing: DemoServer) -> None:
    for path in ("/files/../secret_key", "/files/%2e%2e%2fsecret_key", "/files/", "/files"):
        assert changing.client.get(path).status_code == 404
    assert changing.client.post("/files/x").status_code == 405


# What is logged ----------------------------------------------------------------------------------------------


ENTRIES = """SELECT entry.user_id, entry.operation_name, disclosure.disclosed, access_log_student.student_id
    FROM access_log_entry entry JOIN disclosure ON disclosure.fingerprint = entry.fingerprint
    LEFT JOIN access_log_student ON access_log_student.set_id = entry.student_set_id
    WHERE entry.operation_name = 'fetchFile' ORDER BY entry.id"""


def test_who_fetches_a_file_is_logged_and_who_gets_none_is_not(changing: DemoServer, file: Any) -> None:
    before = len(rows(changing.database, ENTRIES))
    assert changing.client.get(file["downloadUrl"]).status_code == 200
    entries = rows(changing.database, ENTRIES)
    assert len(entries) == before + 1
    person, _, disclosed, student = entries[-1]
    case = rows(changing.database, "SELECT student_id FROM case_record WHERE number = '00307473'")
    assert (person, student) == (user(changing, LEAD), case[0][0])
    assert (json.loads(disclosed) if isinstance(disclosed, str) else disclosed) == ["File.downloadUrl"]
    assert_nothing(changing.client.get(file["downloadUrl"] + "x"))
    assert len(rows(changing.database, ENTRIES)) == before + 1


# In a bucket -------------------------------------------------------------------------------------------------


def test_files_may_be_kept_in_a_bucket(launch: Callable[..., DemoServer], s3: S3Server) -> None:
    settings = s3.settings()
    server = launch("sqlite", **settings)
    content = PDF + b"\n" * 7_000_000
    file = added(server, WORKFLOW, content)
    (key,) = s3.objects(settings["storage_bucket"])
    assert key.startswith("files/")
    assert contents(server) == set()
    assert server.client.get(file["downloadUrl"]).content == content
    add(server, WORKFLOW, EXE)
    add(server, SECOND, PDF)
    assert s3.objects(settings["storage_bucket"]) == {key}
