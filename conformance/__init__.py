"""Contracts of the admin API, and the machinery that holds clients and servers to them.

PYTEST_DONT_REWRITE: for packages of plugins pytest warns where they are imported before it starts, unless they say so.
"""
