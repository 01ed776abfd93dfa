"""The permission classes. Read one at a field and you know who sees it and why."""

from typing import Final

from ascms.models import Role

from .audience import Audience

AL: Final = Role.ATTENDANCE_LEAD
PC: Final = Role.PRIMARY_CONTACT
OS: Final = Role.OFFICE_SUPPORT
WL: Final = Role.WORKFLOW_LEAD
CM: Final = Role.CASE_MANAGER
MA: Final = Role.MINISTRY_ADVISER
AN: Final = Role.MINISTRY_ANALYST
PO: Final = Role.PRIVACY_OFFICER
AD: Final = Role.MINISTRY_ADMINISTRATOR
DA: Final = Role.DELEGATED_AUTHORISER

ALL: Final = frozenset(Role)
SCHOOL: Final = frozenset({AL, PC, OS})
PROVIDER: Final = frozenset({WL, CM})
CASE_ROLES: Final = frozenset({AL, PC, OS, WL, CM, MA, PO})


class AsPath(Audience):
    """As visible as the path that reached it: types without rows of their own, connections, payloads."""

    visible = ALL
    without_role = True


class Everyone(Audience):
    """Public facts of the sector's directory, and how people are called: every role."""

    visible = ALL
    without_role = True


class AnyRole(Audience):
    """Root fields that answer each role with what is theirs."""

    visible = ALL
    root = True


class SignedIn(Audience):
    """What a person without any role in effect needs too: who they are, the privacy statement, whom to call."""

    visible = ALL
    without_role = True
    root = True


class Reachable(Audience):
    """How to reach a colleague. Not for the Analyst, who never meets a person."""

    visible = ALL - {AN}
    without_role = True


class AccountKeepers(Audience):
    """Sign-in facts and assignments, for those who keep accounts or answer for privacy."""

    visible = {PO, AD, DA}


class MembersOfOwn(Audience):
    """The people of one's own organisation, to name contacts and managers; of all, for Privacy and Administrator."""

    visible = {PO, AD}
    own = {AL, WL, DA}


class AnyCaseRole(Audience):
    """What identifies a case, a request or a student: everyone who reaches the row at all."""

    visible = CASE_ROLES


class CaseRoleRoot(Audience):
    """Root fields for roles that reach rows of cases, requests or students."""

    visible = CASE_ROLES
    root = True


class SchoolStaff(Audience):
    """What only acting for a school opens: its services, and choosing a student to start a request for."""

    visible = SCHOOL
    root = True


class WhereEnrolled(Audience):
    """The present school. A provider keeps a closed case's history, not the child's whereabouts."""

    visible = CASE_ROLES - PROVIDER
    while_active = PROVIDER


class CasePartners(Audience):
    """Who works on the case itself: needs culture, age and gender to engage well. Not the school office."""

    visible = {AL, PC, WL, CM, PO}


class NationalNumber(Audience):
    """The NSN and past schools: legally fenced, for the provider at work and the Privacy Officer."""

    visible = {PO}
    while_active = PROVIDER


class HomeContact(Audience):
    """Where the family lives and how to call them; of a protected student not even the Primary Contact."""

    visible = {AL, PC, PO}
    while_active = PROVIDER
    unless_protected = {PC, OS}


class AttendanceReaders(Audience):
    """The term's attendance: for those who act on it, and the adviser of the region."""

    visible = {AL, PC, MA}
    while_active = PROVIDER


class BlockKeepers(Audience):
    """Access blocks: set, seen and lifted by leads for their own people, by the Privacy Officer for all."""

    visible = {AL, WL, PO}


class PrivacyOnly(Audience):
    """Who saw what of a student, and corrections."""

    visible = {PO}


class SchoolLeads(Audience):
    """Choosing a primary contact is the school's, and not its office's."""

    visible = {AL, PC}


class QueueKeeper(Audience):
    """Assigning managers is the Workflow Lead's."""

    visible = {WL}


class Outcomes(Audience):
    """How a case ended: the provider, the region's adviser, the Privacy Officer. The school sees active cases."""

    visible = {WL, CM, MA, PO}


class CaseContent(Audience):
    """Why a case stands as it does, for those who work on it on either side."""

    visible = {AL, PC, WL, CM}


class ProviderOnly(Audience):
    """The provider's own working papers."""

    visible = PROVIDER


class ServiceWatchers(Audience):
    """Service levels: the provider and the region's adviser."""

    visible = {WL, CM, MA}


class CaseFiles(Audience):
    """Files exist only for those who may read some of them."""

    visible = {AL, PC, OS, WL, CM, PO}


class RequestContent(Audience):
    """What a request says. Office Support reads what they filled in themselves, or are named on."""

    visible = {AL, PC, WL, CM}
    own = {OS}


class RequestChoices(Audience):
    """Whom and what a request may name: for those who fill it in."""

    visible = {AL, PC}
    own = {OS}


class RequestNotice(Audience):
    """Whether the family was told (IPP 3A): those who fill in and work on it, and the Privacy Officer."""

    visible = {AL, PC, WL, CM, PO}
    own = {OS}


class RequestCaregivers(Audience):
    """Caregivers as given in a request; of a protected student only for leads, the manager and Privacy."""

    visible = {AL, PC, WL, CM, PO}
    own = {OS}
    unless_protected = {PC, OS}


class CommentReaders(Audience):
    """That a comment was made: schools see what is shared with them or theirs, the office its own."""

    visible = {WL, CM, MA, PO}
    shared = {AL, PC}
    own = {OS}


class CommentText(Audience):
    """What a comment says: not for the Ministry."""

    visible = PROVIDER
    shared = {AL, PC}
    own = {OS}


class TimelineReaders(Audience):
    """That something happened, and when: every case role, schools as far as shared."""

    visible = {WL, CM, MA, PO}
    shared = SCHOOL


class TimelineContent(Audience):
    """What happened: those who work on the case, schools as far as shared; not the office, not the Ministry."""

    visible = PROVIDER
    shared = {AL, PC}


class FileReaders(Audience):
    """That a file exists, and whose it is: schools as far as shared, the office its own."""

    visible = {WL, CM, PO}
    shared = {AL, PC}
    own = {OS}


class FileContent(Audience):
    """A file's content: not for the Privacy Officer, who exports a record by another way."""

    visible = PROVIDER
    shared = {AL, PC}
    own = {OS}
