"""Which jobs ``list_jobs`` lists, as the model has it.

Source: the API document, and the slices of the official server (observed: 2.3.12-2.9.0): filters first, then the
limit, which keeps the newest so many, a negative one leaving out the oldest.
"""

from __future__ import annotations

from collections.abc import Collection

from conformance.machines.calls import ListJobs
from conformance.machines.state import Job, State


def wrong_arguments(call: ListJobs) -> bool:
    """Whether an argument is of the wrong type; clients find that by themselves."""
    flags = (call.detailed, call.reverse)
    texts = (call.id_prefix, call.name_prefix)
    return (
        any(not isinstance(flag, bool) for flag in flags)
        or any(text is not None and not isinstance(text, str) for text in texts)
        or not (call.limit is None or isinstance(call.limit, int))
    )


def chosen(state: State, call: ListJobs, tokened: Collection[str] | None) -> list[Job]:
    """The jobs of a list, in its order.

    Args:
        state: what is known.
        call: the call, with arguments of the right types.
        tokened: the jobs that the call's token stands for; ``None`` where it gives none.
    """
    fitting = [job for job in state.jobs if not job.is_deleted and _fits(job, call, tokened)]
    if call.limit:
        # The last so many; with a negative limit all but the first so many.
        fitting = fitting[-call.limit :]
    return fitting[::-1] if call.reverse else fitting


def _fits(job: Job, call: ListJobs, tokened: Collection[str] | None) -> bool:
    return (
        job.id.lower().startswith((call.id_prefix or "").lower())
        and job.name.lower().startswith((call.name_prefix or "").lower())
        and (tokened is None or job.id in tokened)
    )
