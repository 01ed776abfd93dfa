"""The rules of attendance casework: the life of a request and of a case, advice, service levels.

Functions of values; no GraphQL, no HTTP. A refusal says what was asked, what stands against it, and what is
possible instead.
"""
