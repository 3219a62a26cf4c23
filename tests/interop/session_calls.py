"""Plays calls on a session and says what came of each: the official client's in its own environment, and ours.

As a program: ``session_calls.py KIT USER``; reads the calls as JSON from its input and prints the outcomes. It must not
import this project.
"""

import enum
import json
import sys


def plain(value):
    """A result as JSON can hold it; objects as their attributes."""
    if isinstance(value, enum.Enum):
        return value.name
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return plain(vars(value))


def play(session, calls):
    """The outcome of each call: what it returned, or the names of the classes of what it raised."""
    outcomes = []
    for name, args, kwargs in calls:
        found = session
        try:
            for part in name.split("."):
                found = getattr(found, part)
            outcomes.append({"returned": plain(found(*args, **kwargs))})
        except Exception as problem:  # noqa: BLE001 - whatever it is, it is an outcome
            outcomes.append({"raised": [kind.__name__ for kind in type(problem).__mro__], "text": str(problem)})
    return outcomes


if __name__ == "__main__":
    from nvflare.fuel.flare_api.flare_api import new_secure_session

    opened = new_secure_session(sys.argv[2], sys.argv[1], timeout=60.0)
    told = play(opened, json.load(sys.stdin))
    opened.close()
    print("\n" + json.dumps(told))
