"""Code sets, ethnic groups, iwi, school terms and service-level targets: the candidates the sector's documents suggest.

The sets are data and replaceable; the demo needs some. Ethnic groups carry the Ministry's three-digit codes
with the Stats NZ level 1 group, iwi the four-digit codes of the official list (a sample of it).
"""

from typing import Final

from ascms.casework.school_terms import TERMS
from ascms.casework.service_levels import Clock

from .clock import SERVICE_START
from .sinks import Sink

TARGETS_VERSION: Final = "2026-01"
CRITERIA_VERSION: Final = "2026-01"
STATEMENT_VERSION: Final = "2026-05-01"

TARGETS: Final = {Clock.ASSIGN: 2, Clock.FIRST_CONTACT: 5, Clock.PLAN: 15}
"""Working days after opening. Placeholders: the contracts' own figures are not public."""

CRITERIA: Final = ("ACTIONS_REVIEWED", "BEYOND_SCHOOL", "COMPLEX_OR_LONG_STANDING")
"""The three questions of *when to request support*, in the order of the form."""

BARRIERS: Final = {
    "HEALTH": "Health",
    "MENTAL_HEALTH": "Mental health",
    "WHANAU_CRISIS": "Whānau crisis",
    "HOUSING": "Housing",
    "TRANSPORT": "Transport",
    "FINANCIAL_HARDSHIP": "Financial hardship",
    "BULLYING": "Bullying",
    "SCHOOL_BASED": "School-based",
    "CULTURAL_DISCONNECT": "Cultural disconnect",
    "CARING_DUTIES": "Caring duties",
    "OTHER": "Other",
}
OUTCOMES: Final = {
    "ATTENDANCE_IMPROVED": "Attendance improved to the agreed level",
    "ENROLLED": "Enrolled at a school",
    "OTHER_PROVISION": "Enrolled in Te Kura, alternative or other approved provision",
    "EXEMPTION": "Exemption granted",
    "LEFT_NEW_ZEALAND": "Left New Zealand",
    "LEAVING_AGE": "Reached leaving age",
    "MOVED_CATCHMENT": "Family moved, passed to another catchment",
    "UNABLE_TO_LOCATE": "Unable to locate after reasonable attempts",
    "SUPPORT_DECLINED": "Family declined support",
    "OTHER_AGENCY": "Another agency leads",
    "REFERRED_TO_MINISTRY": "Referred to the Ministry for prosecution to be considered",
    "FALSE_NOTIFICATION": "False notification, was enrolled",
    "DUPLICATE": "Duplicate",
    "ENTERED_IN_ERROR": "Entered in error",
    "DECEASED": "Deceased",
    "REQUEST_DECLINED": "Request declined by the provider",
    "REQUEST_WITHDRAWN": "Request withdrawn by the school",
}
PAUSE_REASONS: Final = {
    "UNWELL": "Student unwell or in hospital",
    "STAND_DOWN": "Stand-down or suspension pending",
    "BEREAVEMENT": "Family bereavement",
    "AWAY": "Away from the area",
    "WAITING_ON_AGENCY": "Waiting on another agency",
    "SCHOOL_HOLIDAYS": "School holidays",
    "UNCONTACTABLE": "Temporarily uncontactable",
    "COURT_MATTER": "Custody or court matter",
}
DECLINE_REASONS: Final = {
    "NOT_CHRONICALLY_ABSENT": "Not chronically absent",
    "SCHOOL_STEPS_NOT_TRIED": "School steps not yet tried",
    "SCHOOL_BASED_BARRIER": "School-based barrier",
    "SINGLE_CLASS": "Skipping a single class",
    "VISA_ISSUE": "Visa issue",
    "OTHER_SERVICE": "Another service is better placed",
    "DUPLICATE": "Duplicate",
}
REFERRAL_FACTORS: Final = {
    "STAND_DOWNS": "Stand-downs or suspensions",
    "FREQUENT_MOVES": "Frequent moves",
    "COMPLEX_BARRIERS": "Complex or several barriers",
    "WHANAU_NOT_ENGAGING": "Whānau does not engage",
    "OTHER_SERVICES_TRIED": "Other services have not worked",
    "MOVING_SCHOOL": "Is moving school",
    "SIBLING_SUPPORTED": "A sibling is supported",
    "ATTENDANCE_IMPROVING": "Attendance is improving",
    "PLAN_NOT_FULLY_TRIED": "The school’s plan is not fully tried",
    "OTHER_SERVICE_FITS": "Another service fits better",
    "NO_VISA": "International student without a visa",
    "SINGLE_CLASS_ONLY": "Skips one class only",
}
TRANSFER_REASONS: Final = {
    "MOVED": "The student moved",
    "NEEDS_MORE_SUPPORT": "Needs more than the in-school provider can give",
    "CONFLICT_OF_INTEREST": "Conflict of interest",
    "CAPACITY": "Capacity",
    "OTHER": "Other",
}
ASSIGN_REASONS: Final = {
    "WORKLOAD": "Workload",
    "BETTER_FIT": "Better fit for the student or whānau",
    "CONFLICT_OF_INTEREST": "Conflict of interest",
    "ABSENCE": "The manager is away",
    "OTHER": "Other",
}
REOPEN_REASONS: Final = {
    "CLOSED_BY_MISTAKE": "Closed by mistake",
    "ATTENDANCE_FELL": "Attendance fell again",
    "NEW_INFORMATION": "New information",
    "OTHER": "Other",
}
CODE_SETS: Final = {
    "barrier": BARRIERS,
    "outcome": OUTCOMES,
    "pause_reason": PAUSE_REASONS,
    "decline_reason": DECLINE_REASONS,
    "referral_factor": REFERRAL_FACTORS,
    "transfer_reason": TRANSFER_REASONS,
    "assign_reason": ASSIGN_REASONS,
    "reopen_reason": REOPEN_REASONS,
}

_EUROPEAN: Final = {
    "111": "NZ European",
    "121": "British/Irish",
    "122": "Dutch",
    "123": "Greek",
    "124": "Polish",
    "125": "South Slav",
    "126": "Italian",
    "127": "German",
    "128": "Australian",
    "129": "Other European",
}
_PACIFIC: Final = {
    "311": "Samoan",
    "321": "Cook Islands Māori",
    "331": "Tongan",
    "341": "Niuean",
    "351": "Tokelauan",
    "361": "Fijian",
    "371": "Other Pacific",
}
_ASIAN: Final = {
    "411": "Filipino",
    "412": "Cambodian",
    "413": "Vietnamese",
    "414": "Other Southeast Asian",
    "421": "Chinese",
    "431": "Indian",
    "441": "Sri Lankan",
    "442": "Japanese",
    "443": "Korean",
    "444": "Other Asian",
}
ETHNIC_GROUPS: Final = {
    "European": _EUROPEAN,
    "Māori": {"211": "NZ Māori"},
    "Pacific": _PACIFIC,
    "Asian": _ASIAN,
    "MELAA": {"511": "Middle Eastern", "521": "Latin American", "531": "African"},
    "Other": {"611": "Other", "999": "Not stated"},
}
"""By Stats NZ level 1 group: code and name."""

IWI: Final = {
    "0104": "Ngāpuhi",
    "0106": "Te Rarawa",
    "0109": "Ngāti Whātua",
    "0302": "Ngāti Maniapoto",
    "0304": "Waikato",
    "0411": "Ngāti Tūwharetoa",
    "0504": "Ngāti Awa",
    "0507": "Tūhoe",
    "0601": "Ngāti Porou",
    "0703": "Ngāti Kahungunu ki Heretaunga",
    "0801": "Te Atiawa (Taranaki)",
    "0902": "Te Ati Haunui-a-Pāpārangi",
    "1003": "Rangitāne (Manawatū)",
    "1109": "Ngāi Tahu / Kāi Tahu",
    "2001": "Tainui",
}


def write(sink: Sink) -> None:
    """Fill the reference tables."""
    for code_set, entries in CODE_SETS.items():
        for code, label in entries.items():
            sink.add("code", code_set=code_set, code=code, label=label)
    for level1, groups in ETHNIC_GROUPS.items():
        for code, name in groups.items():
            sink.add("ethnic_group", code=code, name=name, level1=level1)
    for code, name in IWI.items():
        sink.add("iwi", code=code, name=name)
    for kind, days in TARGETS.items():
        sink.add(
            "service_level_target",
            version=TARGETS_VERSION,
            kind=kind.value,
            working_days=days,
            valid_from=SERVICE_START,
        )
    for term in TERMS:
        sink.add("school_term", year=term.year, term=term.term, starts_on=term.starts_on, ends_on=term.ends_on)
