"""Mutations that import a file."""

from ascms.permissions.actions import Administrators
from ascms.planning.declare import entity
from ascms.resolvers import imports
from ascms.schema.types.changes.imports import (
    ImportCasesInput,
    ImportCasesPayload,
    ImportEnrolmentsInput,
    ImportEnrolmentsPayload,
)

from .common import mutation


@entity(description="Imports.")
class ImportMutations:
    import_enrolments: ImportEnrolmentsPayload | None = mutation(
        imports.IMPORT_ENROLMENTS,
        Administrators,
        ImportEnrolmentsInput,
        "Import ENROL's nightly file: students, their enrolments, and what follows for active cases and drafts. Only "
        "what differs is changed, all at once; a file that fails changes nothing.",
    )
    import_cases: ImportCasesPayload | None = mutation(
        imports.IMPORT_CASES,
        Administrators,
        ImportCasesInput,
        "Import the former system's cases: each becomes a case in Transition. A file may be given twice.",
    )
