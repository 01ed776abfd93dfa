"""The types that clients see, a module per subject; each field says its source and who may see it."""

from . import codes as codes  # first, so that every enum is described before a type mentions it
