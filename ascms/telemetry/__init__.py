"""What operators see of a process: counts, log lines, spans. Nothing of a person, a case or a variable is in any.

Other rooms count into plain numbers; they are read when somebody asks for them, so that counting costs next to nothing.
"""
