"""The mutation root: one input and one payload each, `problems` for what a user can mend."""

from ascms.planning.declare import entity

from .cases import CaseMutations
from .casework import CaseworkMutations
from .files import FileMutations
from .imports import ImportMutations
from .ministry import MinistryMutations
from .people import PeopleMutations
from .requests import RequestMutations
from .students import StudentMutations


@entity(description="Every change: one input, one payload; null where it is not open to the viewer's roles.")
class Mutation(
    CaseMutations,
    CaseworkMutations,
    FileMutations,
    ImportMutations,
    MinistryMutations,
    PeopleMutations,
    RequestMutations,
    StudentMutations,
):
    pass
