"""Records of runs that tests of reports share: one of each verdict, hostile ones, and any at all."""

from __future__ import annotations

import dataclasses
from typing import Any

from hypothesis import strategies as st

from conformance.results import Lag, Result, RunRecord, Verdict

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \"'`&amp; ]]> \x1b[31m[red]\x00\ud800 \u202e"
"""What a client may say to harm whoever reads of it: markup of HTML, XML and rich, control characters, a surrogate."""

TOKEN = "6c1f8a52-9a0e-4c7e-8d0b-0f5f1c9e7a11"  # made up
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA PRIVATE KEY-----"


def entry(number: int, **fields: Any) -> dict[str, Any]:
    """An entry of a transcript, as ``mock_server.transcript`` makes them."""
    return {
        "number": number,
        "time": 0.25 * number,
        "connection": 1,
        "user": "admin@nvidia.com",
        "session": "s1",
        "direction": "in",
        "kind": "command",
        "summary": f"list_jobs {number}",
        "detail": {"data": [{"type": "command", "data": "list_jobs"}]},
    } | fields


FAILED = Result(
    "MON-TIMEOUT-01",
    Verdict.FAILED,
    1.5,
    "expected TIMEOUT not before 0.3 s, but observed it after 0.1 s",
    expected="TIMEOUT not before 0.3 s",
    observed="it after 0.1 s",
    script=("job = session.submit_job('waiting')", "session.monitor_job(job, timeout=0.3)"),
    transcript=(entry(1), entry(2, direction="out", kind="reply", summary="meta", detail="one\ntwo")),
)

RECORD = RunRecord(
    client="my_client:open",
    server="mock_server 2.9",
    release="2.9",
    seed=7,
    command=("run", "--client=my_client:open", "--seed=7", "--select=MON-*", "--json=a.json"),
    started="2026-01-02T03:04:05+00:00",
    seconds=12.25,
    results=(
        Result("ABORT-RUN-01", Verdict.PASSED, 0.25, transcript=(entry(1, kind="passing"),)),
        Result("CONN-EXPIRE-01", Verdict.SKIPPED, 0.0, "needs control of the server, which kit does not give"),
        Result("LIST-LIMIT-01", Verdict.EXPECTED_FAILURE, 0.5, "expected 1 job, but observed 2"),
        FAILED,
        Result("MON-FINISH-02", Verdict.INCONCLUSIVE, 0.75, "the machine was busy"),
        Result("SUB-OK-01", Verdict.UNEXPECTED_PASS, 0.25, "the baseline says that it fails"),
        Result("OLD-GONE-01", Verdict.FAILED, 0.125, "it is not in the catalogue", counts=False),
    ),
    versions={"flare-conformance": "0.1.0", "python": "3.11.7"},
)

HOSTILE_RECORD = dataclasses.replace(
    RECORD,
    client=HOSTILE,
    server=HOSTILE,
    command=("run", f"--client={HOSTILE}"),
    versions={HOSTILE: HOSTILE},
    results=(
        Result(
            f"MON-{HOSTILE}-01",
            Verdict.FAILED,
            0.5,
            HOSTILE,
            expected=HOSTILE,
            observed=HOSTILE,
            script=(HOSTILE,),
            transcript=(dict.fromkeys(entry(1), HOSTILE) | {HOSTILE: {HOSTILE: [HOSTILE, float("nan"), b"\x00"]}},),
        ),
        Result("MON-TIMEOUT-01", Verdict.SKIPPED, 0.5, HOSTILE),
    ),
)

_text = st.text(max_size=20)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=6,
)
_seconds = st.floats(min_value=0, max_value=1e9)
_results = st.builds(
    Result,
    contract=st.sampled_from(["MON-TIMEOUT-01", "LIST-LIMIT-01", "OLD-GONE-01"]) | st.text(min_size=1, max_size=20),
    verdict=st.sampled_from(Verdict),
    seconds=_seconds,
    message=_text,
    counts=st.booleans(),
    expected=st.none() | _text,
    observed=st.none() | _text,
    script=st.lists(_text, max_size=3).map(tuple),
    transcript=st.lists(st.dictionaries(_text, _json, max_size=4), max_size=3).map(tuple),
)

records = st.builds(
    RunRecord,
    client=_text,
    server=_text,
    release=st.sampled_from(["2.3", "2.9"]),
    seed=st.integers(),
    command=st.lists(_text, max_size=3).map(tuple),
    started=_text,
    seconds=_seconds,
    results=st.lists(_results, max_size=5, unique_by=lambda result: result.contract).map(tuple),
    lag=st.builds(Lag, _seconds, _seconds),
    versions=st.dictionaries(_text, _text, max_size=3),
)
"""Any record of a run."""
