"""The command ``jobrunner``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# With the official client: from nvflare.fuel.flare_api.flare_api import new_secure_session
from flare_client import AuthenticationError, AuthorizationError, InvalidJobDefinition, NoConnection, new_secure_session
from jobrunner.runner import Ending, run_job

EXIT_CODES = {Ending.COMPLETED: 0, Ending.FAILED: 1, Ending.TOO_LONG: 3}


def main(words: Sequence[str] | None = None) -> int:
    """Run a job. Exit code 0: completed; 1: failed; 2: it could not be run; 3: it took too long."""
    parser = argparse.ArgumentParser(prog="jobrunner", description=main.__doc__)
    parser.add_argument("folder", type=Path, help="the job definition")
    parser.add_argument("--kit", type=Path, required=True, help="the startup kit")
    parser.add_argument("--user", required=True, help="whose kit it is")
    parser.add_argument("--timeout", type=float, default=3600.0, help="seconds to wait for the end of the job")
    parser.add_argument("--poll-interval", type=float, default=1.0, help="seconds between two looks")
    chosen = parser.parse_args(words)
    try:
        with new_secure_session(chosen.user, str(chosen.kit)) as session:
            run = run_job(
                session, chosen.folder, timeout=chosen.timeout, poll_interval=chosen.poll_interval, tell=print
            )
    except (NoConnection, AuthenticationError, AuthorizationError, InvalidJobDefinition) as problem:
        print(f"jobrunner: cannot run {chosen.folder.name}: {problem}", file=sys.stderr)
        return 2
    print(f"{run.job_id}: {run.ending.value} ({run.status})")
    if run.result is not None:
        print(f"result: {run.result}")
    return EXIT_CODES[run.ending]


if __name__ == "__main__":
    sys.exit(main())
