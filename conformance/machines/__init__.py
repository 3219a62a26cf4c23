"""State machines: a model of a server as its clients see it, and what is run against it.

``model`` says which answers are possible; ``programs`` draws sequences of calls, ``player`` plays them on a target and
``linearise`` judges what several threads saw at the same time. ``conformance.contracts.machines`` makes contracts of
it all.
"""
