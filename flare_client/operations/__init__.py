"""What a session can ask a server to do, a module a subject.

Each function is a method of ``Session``: it is given the conversation first, checks its arguments, asks, and makes the
result of the answer. ``session.py`` says which release has which.
"""
