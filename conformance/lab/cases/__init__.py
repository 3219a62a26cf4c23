"""Labs that go case by case: what the users of each client see, kept as data and shown as a page.

Owns: what a case is and how a client meets it (``bench.py``), who is asked (``clients.py``), how what was seen is kept
(``sightings.py``), the pieces of a page (``page.py``), and measuring it all with one command (``measuring.py``). Must
not know which cases there are: broken kits and faults are labs of their own, beside this folder.
"""
