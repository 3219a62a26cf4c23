"""From ``MockServer(...)`` to the first accepted login, once, in a process that has done nothing before."""

from __future__ import annotations

import json
import sys
import time

from flare_client import new_secure_session
from mock_server import MockServer


def main() -> None:
    """Time the start, and print the seconds of its steps as one line of JSON."""
    release, user = sys.argv[1:]
    started = time.perf_counter()
    with MockServer(release) as server:
        serving = time.perf_counter()
        kit = server.kit(user)
        has_kit = time.perf_counter()
        with new_secure_session(user, str(kit)):
            seconds = time.perf_counter() - started
            print(json.dumps({"login": seconds, "serving": serving - started, "kit": has_kit - serving}))


if __name__ == "__main__":
    main()
