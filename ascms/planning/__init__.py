"""From an operation to its answer: what is asked, what may be shown, the least SQL for it, and its shape.

A field declares its source and its permission class (`declare`); an operation is read and checked once
(`operation`), compiled into statements and a shape (`compiler`), and run (`execution`). `plain` is the slow
definition of the same meaning, one row and one field at a time. This room knows GraphQL and SQL, nothing of
attendance.
"""
