"""The root fields: find the rows, hand the rest to planning."""
