"""Attendance Services Case Management System: one GraphQL API, authorised field by field."""

__version__ = "0.1.0"
