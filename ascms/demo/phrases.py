"""What people write on cases, in sentences of our own. None names a person."""

from typing import Final

from ascms.models import EventKind

INTERNAL_COMMENTS: Final = (
    "Tried the home number twice this morning, no answer. Will try again after three.",
    "Spoke with a grandparent, who is happy to bring them in on Mondays. Keep this between us for now.",
    "Whānau are between houses; the address on the roll is out of date.",
    "They would rather not meet at school. Suggested the marae instead.",
    "Kaiāwhina from the health team will join the next visit.",
    "The older sibling was supported two years ago, the notes are worth reading.",
    "Plan drafted. Two goals only, so that it stays possible.",
    "Money for the bus runs out mid-week. Looking at the needs fund.",
    "Not sleeping well since the move. Suggested the nurse, they will think about it.",
    "Caseload talk: keep for another four weeks, then review.",
    "Mum works nights; calls are best between two and half past three.",
    "They came in on Thursday and Friday. Ka pai.",
    "Court date next month may change where they live.",
    "No risk seen on the visit. Friendly dog, closed gate.",
    "Met at the library. Talked mostly about drawing, and a little about maths.",
    "A cousin at the same kura is willing to walk with them.",
)
SHARED_COMMENTS: Final = (
    "First contact made with whānau. They know who we are and why we called.",
    "We agreed a plan: mornings first, full days from week four.",
    "Could the dean meet them at the gate on Monday? It would help the first day.",
    "Please let us know of any day missed this week, it decides the next step.",
    "Whānau asked for work to do at home on sick days.",
    "Transport is arranged until the end of term.",
    "They told us that the change of class helped. Ngā mihi to the teachers.",
    "We could not reach whānau this week and will visit on Wednesday.",
    "Review meeting is set; the school is welcome to join.",
    "Uniform and stationery are sorted.",
)
SCHOOL_COMMENTS: Final = (
    "Attended four of five days this week. Tino pai!",
    "Absent again since Monday, no message from home.",
    "The dean rang on Tuesday and left a message.",
    "We have changed their form class as suggested.",
    "A place in the breakfast club is kept for them.",
    "Sick note received for last week.",
    "The counsellor has an appointment for them on Friday.",
    "Their whānau came to the hui and were glad of the support.",
    "Half days seem to work. We would like to keep to them until mid-term.",
    "The new phone number from the office form has been passed on to you by phone.",
    "Kapa haka practice is what brings them in. We will build on that.",
    "They missed the last two afternoons, mornings are steady.",
)
CONTACTS: Final = (
    (EventKind.PHONE_CALL, "Call with whānau", ("Agreed to talk again", "No answer, message left", "Not in use")),
    (EventKind.TEXT_MESSAGE, "Text to whānau", ("Answered", "No answer yet")),
    (EventKind.EMAIL, "E-mail to the school", ("Answered", "Sent")),
    (EventKind.HOME_VISIT, "Visit at home", ("Met whānau", "Nobody home, card left", "Met the student")),
    (EventKind.MEETING, "Hui with student and whānau", ("Plan agreed", "Plan reviewed", "Put off")),
    (EventKind.SCHOOL_VISIT, "Visit to the school", ("Talked with the dean", "Timetable changed", "Observed")),
    (EventKind.NOTE, "Note for the file", ("",)),
)
CONTACT_DETAILS: Final = (
    "Introduced ourselves and the service, and listened.",
    "Talked about what a good morning looks like.",
    "Went through the plan together; one goal was made smaller.",
    "Transport and lunches were the main worry.",
    "Spoke te reo Māori throughout, which was appreciated.",
    "Checked how last week went. Better than the week before.",
    "Left the privacy statement and explained who sees what.",
    "Looked at a course for the second half of the year.",
)
PARTICIPANTS: Final = (
    "Student",
    "Mother",
    "Father",
    "Grandparent",
    "Dean",
    "Case manager",
    "School nurse",
    "Kaiāwhina",
    "Counsellor",
)
LONG_KINDS: Final = frozenset({EventKind.HOME_VISIT, EventKind.MEETING, EventKind.SCHOOL_VISIT})
TASKS: Final = (
    "Ring whānau about Monday",
    "Visit at home",
    "Ask the school for the timetable",
    "Write the plan",
    "Arrange a bus card",
    "Review the plan with whānau",
    "Talk with the school nurse",
    "Check the new address",
)
NEEDS: Final = ("Bus card", "School uniform", "Stationery", "Shoes", "Reading glasses", "Prepaid phone credit", "Kai")
SAFETY: Final = (
    "Visit in pairs.",
    "Large dog, ring before you open the gate.",
    "Do not visit after four o’clock.",
    "Ask for the grandparent, not the father.",
)
CONTACT_NOTES: Final = (
    "Best reached before nine.",
    "Prefers e-mail.",
    "In the office on Tuesdays and Thursdays.",
    "Please ring the office and ask to be put through.",
)
CLOSING: Final = (
    "Back at school for six weeks at nine days of ten. Whānau and school will carry on with the plan.",
    "Settled with a new timetable. The school keeps a weekly check-in.",
    "We and whānau agreed that the support has done what it can for now.",
    "All agreed next steps are with others; the file is complete.",
)
HAND_OVER: Final = (
    "Whānau know about the change and agree. The plan has two goals left; the bus card runs to the end of term.",
    "First contact is made, no plan yet. Calls are best in the afternoon.",
)
DECLINE_NOTES: Final = (
    "Please try the steps of the response plan first and ask again if they do not help.",
    "The school nurse’s programme fits better; we have talked with them.",
)
PLAN_OUTCOMES: Final = (
    "Little change",
    "Better for two weeks, then as before",
    "No improvement",
    "Not agreed with whānau",
)
STAR_ACTIONS: Final = (
    "Five days: message home. Ten days: call and meeting. Fifteen days: plan with whānau.",
    "Calls on each day of absence, meeting with the dean, plan made and reviewed.",
    "Message and letter at five and ten days; plan made at fifteen.",
)
WHANAU_CONTACTED: Final = (
    "By phone weekly, one meeting at school.",
    "Two visits at home by the dean, several messages.",
    "By e-mail and phone; they are keen for help.",
    "Calls are not answered, one visit made.",
)
BARRIER_NOTES: Final = (
    "Moved twice this year and the bus does not go past.",
    "Worried about a group of students.",
    "Looks after younger siblings in the mornings.",
    "Long illness last year, has fallen behind and feels it.",
    "Little sleep, much gaming; whānau asked for help with routines.",
)
OTHER_SERVICES: Final = (
    "Public health nurse",
    "Counsellor at school",
    "Whānau Ora navigator",
    "Social worker in schools",
    None,
)
REQUEST_NOTES: Final = ("Please ring the dean first.", "Whānau would like someone who speaks te reo Māori.", None, None)
CRITERION_NOTES: Final = (
    "Reviewed at the end of last term.",
    "See the notes on barriers.",
    "More than one year now.",
    None,
)
FILES: Final = (
    ("Attendance plan.pdf", "application/pdf"),
    ("Letter to whānau.pdf", "application/pdf"),
    ("Hui notes.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("Timetable.png", "image/png"),
    ("Attendance Term 1.csv", "text/csv"),
    ("Support agreement.pdf", "application/pdf"),
    ("Pānui to the kura.pdf", "application/pdf"),
)
RELATIONSHIPS: Final = (
    "Mother",
    "Father",
    "Grandmother",
    "Grandfather",
    "Aunt",
    "Uncle",
    "Stepfather",
    "Caregiver",
    "Koro",
    "Kuia",
)
