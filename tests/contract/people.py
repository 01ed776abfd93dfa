"""The people whose answers are judged: each of the ten roles, several roles at once, one person in two places."""

from typing import Final

from tests.contract.oracle import Person

LEAD: Final = Person("lead@test-college.school.nz")
CONTACT: Final = Person("contact@test-college.school.nz")
OFFICE: Final = Person("office@test-college.school.nz")
AUTHORISER: Final = Person("authoriser@test-college.school.nz")
BOTH: Final = Person("both@test-college.school.nz")
TESTPERSON_AT_SCHOOL: Final = Person("testperson@test-college.school.nz", "1234")
TESTPERSON_AT_ISP: Final = Person("testperson@test-college.school.nz", "78912")
ISP_WORKFLOW: Final = Person("workflow@test-college-isp.school.nz")
ISP_MANAGER: Final = Person("manager@test-college-isp.school.nz")
WORKFLOW: Final = Person("workflow@waikato-attendance.nz")
MANAGER: Final = Person("manager@waikato-attendance.nz")
SECOND_LEAD: Final = Person("lead@second-school.school.nz")
ADVISER: Final = Person("adviser@ministry.nz")
ANALYST: Final = Person("analyst@ministry.nz")
PRIVACY: Final = Person("privacy@ministry.nz")
ADMINISTRATOR: Final = Person("admin@ministry.nz")

SCHOOL: Final = (LEAD, CONTACT, OFFICE, BOTH, TESTPERSON_AT_SCHOOL, SECOND_LEAD)
PROVIDER: Final = (ISP_WORKFLOW, ISP_MANAGER, WORKFLOW, MANAGER, TESTPERSON_AT_ISP)
WITH_ROWS: Final = (*SCHOOL, *PROVIDER, ADVISER, PRIVACY)
WITHOUT_ROWS: Final = (ANALYST, ADMINISTRATOR, AUTHORISER)
ONE_OF_EACH: Final = (LEAD, CONTACT, OFFICE, BOTH, WORKFLOW, MANAGER, ADVISER, PRIVACY)
EVERYONE: Final = (*WITH_ROWS, *WITHOUT_ROWS)
