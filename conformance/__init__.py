"""Contracts of the admin API, and the machinery that holds clients and servers to them."""
