"""Recordings of real servers: what one answered, and a scenario under which the mock answers the same.

``probes`` says what is asked, ``recorder`` asks it, ``scenario`` makes a scenario of what came, ``document`` is the
form on disk, and ``checking`` plays a recording on ``MockServer``. What may not stand in one is decided in ``hiding``,
what of an answer is not compared in ``uncompared``.
"""
