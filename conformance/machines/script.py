"""Scripts: calls as lines that a person reads, with ``job1``, ``job2`` ... for the ids of jobs."""

from __future__ import annotations

import dataclasses

from conformance.machines import calls
from conformance.machines.calls import CONNECT_SECONDS, Call, Outcome, Raised, Returned, Until, makes_job

_CALLBACKS = {Until.FIRST: "stop_at_once", Until.STARTED: "stop_when_started", Until.END: "never_stop"}


@dataclasses.dataclass
class Script:
    """The calls of a run, as they are made.

    Args:
        mark: what real names and tokens of this run have beside; left out of the text.
    """

    mark: str = ""
    lines: list[str] = dataclasses.field(default_factory=list)
    _names: dict[str, str] = dataclasses.field(default_factory=dict)

    def add(self, call: Call, outcome: Outcome, when: str = "") -> None:
        """Add a call and what came of it."""
        text = self.line(call)
        job_id = outcome.value if isinstance(outcome, Returned) and makes_job(call) else None
        if isinstance(job_id, str) and job_id:
            is_new = job_id not in self._names
            name = self._names.setdefault(job_id, f"job{len(self._names) + 1}")
            text = f"{name} = {text}" if is_new else f"{text}  # {name}"
        if isinstance(outcome, Raised):
            text += f"  # {outcome.types[0] if outcome.types else 'Exception'}"
        self.lines.append(f"{when}{text}")

    def copy(self) -> Script:
        """A script that goes on from here by itself."""
        return Script(self.mark, list(self.lines), dict(self._names))

    def line(self, call: Call) -> str:
        """A call as Python has it."""
        if isinstance(call, calls.OpenSession):
            return f"{call.session} = new_secure_session(...)"
        if isinstance(call, calls.ExpireSessions):
            return "# the server ends every admin session"
        name, arguments = _written(call)
        return self.plain(f"{call.session}.{name}({', '.join(arguments)})")

    def plain(self, text: str) -> str:
        """A text with the names of jobs for their ids, and without the mark."""
        for job_id, name in self._names.items():
            for quoted in (f"{job_id!r}", f'"{job_id}"', job_id):
                text = text.replace(quoted, name)
        return text.replace(f"-{self.mark}", "").replace(f"-{self.mark.upper()}", "") if self.mark else text


def _written(call: Call) -> tuple[str, list[str]]:
    """The name of a method and its arguments."""
    if isinstance(call, calls.SubmitJob):
        fault = [call.definition.fault.value] if call.definition.fault is not None else []
        token = [f"submit_token={call.token!r}"] if call.token is not None else []
        return "submit_job", [repr(call.definition.name), *fault, *token]
    if isinstance(call, calls.CallOnJob):
        return call.method, [repr(call.job)]
    if isinstance(call, calls.ListJobs):
        named = {
            "detailed": call.detailed,
            "limit": call.limit,
            "id_prefix": call.id_prefix,
            "name_prefix": call.name_prefix,
            "reverse": call.reverse,
            "submit_token": call.token,
        }
        return "list_jobs", [f"{name}={value!r}" for name, value in named.items() if value not in (None, False)]
    if isinstance(call, calls.MonitorJob):
        return "monitor_job", [repr(call.job), f"cb={_CALLBACKS[call.until]}"]
    if isinstance(call, calls.TryConnect):
        return "try_connect", [str(CONNECT_SECONDS)]
    return "close" if isinstance(call, calls.CloseSession) else "get_system_info", []
