"""A module that cannot be imported."""

raise ImportError("it is broken")
