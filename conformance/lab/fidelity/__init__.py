"""The fidelity lab: how like the official server the mock is, as a number that a command makes.

The official client of a release makes the same calls on the official server and on ``MockServer``; what came of them is
compared after a stated normalisation, and every difference is mended or explained. ``docs/fidelity.md`` is its page.

- ``probe.py``, ``probes/``: the calls, as data.
- ``player.py``: makes them, in the official client's own environment; ``peer.py`` speaks with it.
- ``stage.py``: brings a server into the state that a chapter of probes wants, and plays the chapter.
- ``normalisation.py``: what two servers may say differently, as data, each rule with its reason.
- ``comparison.py``: same outcome, same shape, same value.
- ``explanations.py``, ``explanations.yaml``: differences that stay, and why.
- ``sequences.py``: random sequences of calls, shrunk to the shortest that still differs.
- ``record.py``, ``page.py``: what is kept of a run, and the page.
"""
