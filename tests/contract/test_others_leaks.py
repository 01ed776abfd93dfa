"""How systems like this one have leaked: one test for each entry of the field's record, named by where it happened.

Each does here what was done there, once and over HTTP. The same in every form, for every role and field, is in
`test_leaks.py` and the modules named after it.
"""

import base64
import contextlib
import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

from graphql import parse, visit
from graphql.language import FieldNode, Visitor
from websockets.exceptions import ConnectionClosed

from tests.contract.conftest import Panel
from tests.contract.people import (
    ADMINISTRATOR,
    ANALYST,
    AUTHORISER,
    BOTH,
    CONTACT,
    LEAD,
    OFFICE,
    PRIVACY,
    SECOND_LEAD,
    WORKFLOW,
)
from tests.contract.test_floods import reused_fragments
from tests.contract.world import TABLES, Row, global_id
from tests.support.live import opened, signed_in
from tests.support.server import Answer

FILTER = "query($w: CaseFilter) { cases(where: $w) { totalCount } }"


def assert_nothing_ran(answer: Answer, field: str) -> None:
    """Refused for the field, with no data at all."""
    assert (answer.status, answer.codes) == (403, ["FORBIDDEN"]), answer.text
    assert set(answer.body) == {"errors"}
    assert answer.errors[0]["extensions"]["field"] == field


def a_case(panel: Panel) -> tuple[Row, Row]:
    """A case of the school with its student, of whom much is known."""
    case = next(row for row in panel.eyes(OFFICE).rows("Case", "case_record") if row.number == "00307473")
    return case, panel.world.get("student", case.student_id)


# Filters, orders, searches -----------------------------------------------------------------------------------


def test_drupal_graphql_814_a_hidden_field_is_not_read_letter_by_letter_through_a_filter(panel: Panel) -> None:
    """Drupal's GraphQL module (#814, CVSS 8.6), Human-Connection (#943), Platformatic (#5119).

    There one asked with `like` and `gt`, and counted. Here the search by halves finds a date of birth for a lead, who
    may see it, and Office Support does not get its first bit.
    """
    case, student = a_case(panel)

    def born(person: Any, operator: str, day: str) -> Answer:
        where = {"number": {"eq": case.number}, "student": {"dateOfBirth": {operator: day}}}
        return panel.ask(person, FILTER, {"w": where})

    low, high = 1990, 2026
    while high - low > 1:
        middle = (low + high) // 2
        later = born(LEAD, "gte", f"{middle}-01-01").data["cases"]["totalCount"]
        low, high = (middle, high) if later else (low, middle)
    assert low == student.date_of_birth.year
    for operator in ("eq", "lt", "lte", "gt", "gte"):
        assert_nothing_ran(born(OFFICE, operator, str(student.date_of_birth)), "Student.dateOfBirth")
    for secret in (student.address, student.nsn, str(student.date_of_birth)):
        asked = "query($s: String!) { cases(search: $s) { totalCount } students(search: $s) { totalCount } }"
        for person in (LEAD, PRIVACY):
            data = panel.ask(person, asked, {"s": secret}).data
            assert data == {"cases": {"totalCount": 0}, "students": {"totalCount": 0}}, secret


def test_the_risk_of_every_plan_cache_a_field_that_comes_later_in_a_variable_is_judged_like_a_literal(
    panel: Panel,
) -> None:
    """What caches of plans and lists of trusted documents invite: the document was judged once, without the field."""
    name = sha256(FILTER.encode()).hexdigest()
    by_name = {"persistedQuery": {"version": 1, "sha256Hash": name}}
    server, allowed = panel.server, {"student": {"yearLevel": {"eq": 11}}}
    hidden = {"student": {"gender": {"eq": "M"}}}
    signed = {person: {"Authorization": f"Bearer {server.token(person.email)}"} for person in (LEAD, OFFICE)}

    def ask(person: Any, where: Any, **more: Any) -> Any:
        body = {"extensions": by_name, "variables": {"w": where}, **more}
        accept = {"Accept": "application/graphql-response+json"}
        return server.client.post("/graphql", json=body, headers=signed[person] | accept)

    assert ask(OFFICE, allowed, query=FILTER).status_code == 200
    assert ask(LEAD, hidden).status_code == 200
    for where in (hidden, {"and": [allowed, {"or": [hidden]}]}, {"not": {"not": hidden}}, {"and": [{"not": hidden}]}):
        refused = ask(OFFICE, where)
        assert (refused.status_code, set(refused.json())) == (403, {"errors"}), refused.text
        assert refused.json()["errors"][0]["extensions"]["field"] == "Student.gender"
    assert ask(OFFICE, allowed).status_code == 200


def test_data_api_builder_3553_and_elide_cve_2020_5289_an_order_and_its_cursor_give_no_hidden_value_away(
    panel: Panel,
) -> None:
    """Azure's Data API builder (#3553) sorted by a hidden field and wrote its value into the cursor in base64.

    So did Yahoo's Elide (CVE-2020-5289, #3415).
    """
    text = "query($o: [CaseOrder!], $a: String) { cases(first: 3, after: $a, orderBy: $o) { edges { cursor node {"
    text += " student { fullName dateOfBirth } } } } }"
    order = [{"field": "STUDENT_DATE_OF_BIRTH", "direction": "ASC"}]
    assert_nothing_ran(panel.ask(OFFICE, text, {"o": order}), "Student.dateOfBirth")
    edges = panel.ask(LEAD, text, {"o": order}).data["cases"]["edges"]
    for edge in edges:
        inside = base64.urlsafe_b64decode(edge["cursor"] + "=" * (-len(edge["cursor"]) % 4))
        student = edge["node"]["student"]
        for said in (student["dateOfBirth"], *student["fullName"].split(), student["dateOfBirth"][:4]):
            assert said.encode() not in inside + edge["cursor"].encode()
    stolen = edges[0]["cursor"]
    for person, given in ((OFFICE, None), (CONTACT, order), (BOTH, order)):
        answer = panel.ask(person, text, {"o": given, "a": stolen})
        assert (answer.status, answer.codes) == (400, ["BAD_USER_INPUT"]), answer.text


# Ways to a field ---------------------------------------------------------------------------------------------


def test_apollo_federation_mx7m_j9xf_62hw_a_fields_rule_holds_through_interfaces_and_fragments(panel: Panel) -> None:
    """Apollo Federation (GHSA-mx7m-j9xf-62hw): a rule on an interface's field did not hold for the types behind it."""
    _, student = a_case(panel)
    node = "query($id: ID!) { node(id: $id) { WAY } }"
    for way in (
        node.replace("WAY", "... on Student { dateOfBirth }"),
        node.replace("WAY", "... on Node { id ... on Student { dateOfBirth } }"),
        node.replace("WAY", "...A") + " fragment A on Node { ...B } fragment B on Student { dateOfBirth }",
        node.replace("WAY", "... { __typename ... on Student @skip(if: false) { fullName: dateOfBirth } }"),
        node.replace("WAY", "... on Student @include(if: true) { ...C }") + " fragment C on Student { a: dateOfBirth }",
    ):
        for person, sees in ((OFFICE, False), (LEAD, True)):
            answer = panel.ask(person, way, {"id": global_id("Student", student.id)})
            assert (str(student.date_of_birth) in answer.text) is sees, answer.text
            assert ("Student.dateOfBirth" in answer.redacted) is not sees


def test_apollo_federation_m8jr_fxqx_8xx6_what_is_computed_from_a_hidden_field_tells_nothing_of_it(
    panel: Panel,
) -> None:
    """Apollo Federation (GHSA-m8jr-fxqx-8xx6): a field that was computed from a guarded one had no guard itself.

    Here a case with open tasks cannot be closed, and that is why, to those who see tasks; to a school the reasons are
    those of any other case, and the clocks, which know of first contacts, are not theirs.
    """
    text = (
        "{ cases(first: 100) { nodes { number status viewerCan { action allowed reason } serviceLevels { state } } } }"
    )
    tasked = {
        panel.world.get("case_record", row.case_id).number  # type: ignore[union-attr]
        for row in panel.world.all("task")
        if row.done_at is None
    }
    for person in (LEAD, CONTACT, OFFICE):
        answer = panel.ask(person, text)
        said: dict[str, set[str]] = {}
        for node in answer.data["cases"]["nodes"]:
            said.setdefault(node["status"], set()).add(json.dumps(node["viewerCan"]))
            assert node["serviceLevels"] is None
        assert {len(reasons) for reasons in said.values()} == {1}
        assert "task" not in json.dumps([*map(list, said.values())])
    theirs = [node for node in panel.ask(WORKFLOW, text).data["cases"]["nodes"] if node["number"] in tasked]
    assert any("still open" in json.dumps(node["viewerCan"]) for node in theirs)


def test_strawberry_cve_2025_22151_node_answers_the_type_that_was_checked(panel: Panel) -> None:
    """Strawberry (CVE-2025-22151): `node` found a row by one type's name and answered it as another.

    A student's key under every other name, and other rows' keys under the student's.
    """
    case, student = a_case(panel)
    asked = "... on Student { fullName address } ... on Case { number } ... on User { displayName username }"
    for type_name, table in TABLES.items():
        for key in (student.id, case.id):
            answer = panel.ask(
                OFFICE,
                f"query($id: ID!) {{ node(id: $id) {{ __typename id {asked} }} }}",
                {"id": global_id(type_name, key)},
            )
            row = next(iter(panel.world.of(table, "id", key)), None)
            reached = row is not None and panel.eyes(OFFICE).finds_node(type_name, row)
            assert (answer.data["node"] or {}).get("__typename") == (type_name if reached else None)
            assert student.address not in answer.text


# Other transports --------------------------------------------------------------------------------------------


async def test_strawberry_cve_2026_35523_and_parse_server_p2x3_8689_cwpg_no_socket_skips_the_sign_in(
    panel: Panel,
) -> None:
    """Strawberry (CVE-2026-35523), Parse Server (GHSA-p2x3-8689-cwpg): sockets went round what guarded HTTP.

    By an old sub-protocol that starts without `connection_init`, by none at all, or by asking before it is answered.
    """
    asked = {"query": "{ cases(first: 1) { nodes { number student { fullName } } } }"}
    for protocols, messages, code in (
        (("graphql-ws",), [{"type": "start", "id": "1", "payload": asked}], 4406),
        ((), [{"type": "start", "id": "1", "payload": asked}], 4406),
        (("graphql-transport-ws",), [{"type": "subscribe", "id": "1", "payload": asked}], 4401),
        (("graphql-transport-ws",), [{"type": "start", "id": "1", "payload": asked}], 4400),
        (("graphql-transport-ws",), [{"type": "connection_init", "payload": {}}], 4403),
        (("graphql-transport-ws",), [{"type": "connection_init", "payload": {"Authorization": "Bearer x.y.z"}}], 4403),
    ):
        async with opened(panel.server, protocols=protocols) as socket:
            with contextlib.suppress(ConnectionClosed):  # before it was sent
                for message in messages:
                    await socket.connection.send(json.dumps(message))
            assert (await socket.closed()).code == code, (protocols, messages)


async def test_strawberry_before_0_314_one_socket_has_a_limit_and_so_has_one_person(panel: Panel) -> None:
    """Strawberry before 0.314 took any number of subscriptions on one socket.

    Here a socket has twenty, a person fifty, and neither keeps another person from theirs.
    """
    alerts, open_ones = "subscription { alertRaised { id } }", 0
    server = panel.server
    async with (
        signed_in(server, CONTACT.email) as one,
        signed_in(server, CONTACT.email) as two,
        signed_in(server, CONTACT.email) as three,
        signed_in(server, LEAD.email) as other,
    ):
        of_socket, of_person = "TOO_MANY_OPERATIONS", "TOO_MANY_SUBSCRIPTIONS"
        for socket, most, code in ((one, 20, of_socket), (two, 20, of_socket), (three, 10, of_person)):
            for _ in range(most):
                await socket.begin(alerts)
                open_ones += 1
            (error,) = await socket.error(await socket.begin(alerts))
            assert error["extensions"]["code"] == code
        assert open_ones == 50
        assert await other.heard(await other.subscribe(alerts)) == []


def test_strawberry_cve_2024_47082_a_form_of_another_site_changes_nothing(panel: Panel) -> None:
    """Strawberry (CVE-2024-47082): a form that another site has a browser post changed data with its cookies.

    What a form can send is sent here with whatever cookies there are; it is nobody's, and nothing of it is done.
    """
    server, mutation = (
        panel.server,
        'mutation { addComment(input: {number: "00307473", body: "x"}) { comment { id } } }',
    )
    token = server.token(LEAD.email)
    cookies = {"Cookie": f"session={token}; access_token={token}; Authorization=Bearer {token}"}
    operations = {"operations": json.dumps({"query": mutation}), "map": "{}"}
    file = {"0": ("a.txt", b"x", "text/plain")}
    comments = '{ case(number: "00307473") { comments { totalCount } } }'
    before = panel.ask(LEAD, comments).data
    for origin in ("https://elsewhere.example", server.url):
        headers = cookies | {"Origin": origin}
        post = server.client.post
        for response in (
            post("/graphql", data=operations, files=file, headers=headers),
            post("/graphql", data={"query": mutation}, headers=headers),
            post("/graphql", content=json.dumps({"query": mutation}), headers=headers | {"Content-Type": "text/plain"}),
            post("/graphql", content=json.dumps({"query": mutation}), headers=headers),
        ):
            assert response.status_code in (401, 403), response.text
            assert "data" not in response.json()
    assert panel.ask(LEAD, comments).data == before


# Costs -------------------------------------------------------------------------------------------------------


def cpu_seconds(panel: Panel) -> float:
    """What the server has used of the processor, in seconds."""
    fields = Path(f"/proc/{panel.server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_apollo_router_and_gitlab_cve_2025_12664_small_documents_cost_little_and_strangers_nothing(
    panel: Panel,
) -> None:
    """Apollo Router before 1.61.2 looked at fragments anew at each spread: minutes for a small document.

    GitLab (CVE-2025-12664) was flooded by people who had not signed in: here nothing of theirs is read.
    """
    flood, before = reused_fragments(40), cpu_seconds(panel)
    answer = panel.ask(LEAD, flood)
    assert (answer.status, len(flood) < 6_000) == (400, True), answer.text[:300]
    assert cpu_seconds(panel) - before < 30  # it took for ever
    told = {
        panel.server.ask(None, text).text
        for text in (flood, "{", "{ viewer { roles } }", "{ __schema { types { name } } }")
    }
    assert len(told) == 1, "what a stranger sends is looked at"


# Rows --------------------------------------------------------------------------------------------------------


def test_gitlab_cve_2026_6713_what_is_out_of_reach_answers_as_what_is_not(panel: Panel) -> None:
    """GitLab (CVE-2026-6713): a forbidden row answered otherwise than a missing one, so that rows could be counted."""
    world, eyes = panel.world, panel.eyes(SECOND_LEAD)
    blocked = next(row for row in world.all("case_record") if eyes.is_blocked(row.student_id))
    far = next(row for row in world.all("case_record") if not eyes.reaches("Case", row) and row is not blocked)
    text = "query($n: String!, $c: ID!, $s: ID!) { case(number: $n) { id } node(id: $c) { id } student(id: $s) { id } }"
    told = {
        (answer.status, answer.text, answer.headers["content-length"])
        for number, case, student in (
            *((row.number, row.id, row.student_id) for row in (blocked, far)),
            ("99999999", 2**40, 2**40),
        )
        for answer in [
            panel.ask(
                SECOND_LEAD, text, {"n": number, "c": global_id("Case", case), "s": global_id("Student", student)}
            )
        ]
    }
    assert len(told) == 1


def test_gitlab_pages_and_totals_do_not_count_what_was_taken_out(panel: Panel) -> None:
    """GitLab documents that rows are taken out after the page is cut: short pages told how many were hidden.

    The second school's lead is kept from one student: neither total nor page has a gap.
    """
    world, eyes = panel.world, panel.eyes(SECOND_LEAD)
    reached = eyes.rows("Case", "case_record")
    of_school = [
        row
        for row in world.all("case_record")
        if row.status != "CLOSED" and world.school_of(row.student_id) == eyes.organisation.id
    ]
    assert len(of_school) > len(reached) > 2, "the block takes something out"
    text = "query($a: String) { cases(first: 2, after: $a) { totalCount nodes { id } PAGE } }"
    text = text.replace("PAGE", "pageInfo { endCursor hasNextPage }")
    after = None
    pages: list[int] = []
    while after is not None or not pages:
        page = panel.ask(SECOND_LEAD, text, {"a": after}).data["cases"]
        assert page["totalCount"] == len(reached)
        pages.append(len(page["nodes"]))
        after = page["pageInfo"]["endCursor"] if page["pageInfo"]["hasNextPage"] else None
    assert pages == [2] * (len(reached) // 2) + [1] * (len(reached) % 2)


def test_datasynx_crm_120_each_redaction_takes_something_away(panel: Panel) -> None:
    """datasynx-crm (#120) had a redaction, with its tests, that nothing called.

    Each field that Office Support may not see is there for a lead, and null in the answer that Office Support gets.
    """
    case, _ = a_case(panel)
    fields = (
        "dateOfBirth address gender protected ethnicities { name } caregivers { name } attendance { percentage }"
        " iwi { name }"
    )
    text = f'{{ case(number: "{case.number}") {{ barriers {{ code }} student {{ {fields} }} }} }}'
    theirs, leads = panel.ask(OFFICE, text), panel.ask(LEAD, text)
    assert theirs.data["case"]["barriers"] is None
    assert leads.data["case"]["barriers"] is not None
    assert set(theirs.data["case"]["student"].values()) == {None}
    assert None not in leads.data["case"]["student"].values()
    names: list[str] = []

    class Names(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            names.append(node.name.value)

    visit(parse(f"{{ {fields} }}"), Names())
    top = {name for name in names if name in leads.data["case"]["student"]}
    assert set(theirs.redacted) == {"Case.barriers", *(f"Student.{name}" for name in top)}
    assert leads.redacted == {}


# Roles -------------------------------------------------------------------------------------------------------


def test_common_practice_administrators_and_support_see_no_child_by_role(panel: Panel) -> None:
    """In many systems administrators and support staff see everything. Here no role does, and these see nobody."""
    case, student = a_case(panel)
    text = (
        "query($c: ID!, $s: ID!, $n: String!) { case(number: $n) { id } cases { totalCount } students { totalCount }"
        " requests { totalCount } student(id: $s) { id } node(id: $c) { id } n: node(id: $s) { id }"
        ' studentChoices(search: "") { id } }'
    )
    ids = {"c": global_id("Case", case.id), "s": global_id("Student", student.id), "n": case.number}
    for person in (ADMINISTRATOR, AUTHORISER, ANALYST):
        assert set(panel.ask(person, text, ids).data.values()) == {None}
    rules = panel.ask(ADMINISTRATOR, "{ accessMatrix { type field role access } }").data["accessMatrix"]
    rows = {"Student", "Case", "Request", "Comment", "Event", "File"}
    for role in {rule["role"] for rule in rules}:
        seen = [rule["access"] for rule in rules if rule["role"] == role and rule["type"] in rows]
        assert "HIDDEN" in seen, f"{role} sees all"
        if role in {"MINISTRY_ADMINISTRATOR", "DELEGATED_AUTHORISER", "MINISTRY_ANALYST"}:
            assert set(seen) == {"HIDDEN"}


def test_hasura_3672_and_others_what_is_kept_for_speed_is_kept_for_nobody_else(panel: Panel) -> None:
    """Hasura (#3672), Neo4j GraphQL (#5702), Open Path HMIS (#3682, #6193), Infrahub (#5350), Metabase (#78919).

    Permissions made their queries slow, and so were kept too widely, or switched off. Here plans are kept by roles, and
    people of one role get their own rows from one plan; how many statements it takes is in
    `tests/planning/test_statements.py`, that they read indexes in `tests/planning/test_query_plans.py`.
    """
    text = "query Kept { cases(first: 100) { totalCount nodes { id student { dateOfBirth } } } }"
    for _ in range(2):
        answers = {person: panel.ask(person, text) for person in (LEAD, SECOND_LEAD, CONTACT, OFFICE, BOTH)}
        for person, answer in answers.items():
            reached = {global_id("Case", row.id) for row in panel.eyes(person).rows("Case", "case_record")}
            assert {node["id"] for node in answer.data["cases"]["nodes"]} == reached
            assert answer.data["cases"]["totalCount"] == len(reached)
        assert not re.search(r'"dateOfBirth":"', answers[OFFICE].text)
        assert re.search(r'"dateOfBirth":"', answers[LEAD].text)
