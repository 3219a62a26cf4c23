"""The control surface of a running server: an HTTP API for programs in any language, and a page for people.

It uses the public API of ``MockServer``, from a thread of its own, and nothing of the server uses it: a server without
it neither imports nor pays for it. ``settings`` is what a user asks for, ``surface`` runs it, ``application`` puts
together what is in ``operations/``; ``models`` are the bodies and answers, ``views`` turns state into them, ``guard``
says who may ask, ``problems`` what is wrong.
"""
