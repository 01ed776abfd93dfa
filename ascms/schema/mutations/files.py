"""Mutations of files."""

from ascms.permissions.actions import BothSides
from ascms.planning.declare import entity
from ascms.resolvers import files
from ascms.schema.types.changes.files import AddFileInput, AddFilePayload

from .common import mutation


@entity(description="Files.")
class FileMutations:
    add_file: AddFilePayload | None = mutation(
        files.ADD_FILE, BothSides, AddFileInput, "Add a file to a case or a request; a school's file is shared."
    )
