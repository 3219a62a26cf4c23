"""Runs one job on a FLARE server, waits for its end, and fetches what it left."""

from jobrunner.runner import Ending, Run, run_job

__all__ = ["Ending", "Run", "run_job"]
