"""The types that clients see, a module per subject; each field says its source and who may see it."""
