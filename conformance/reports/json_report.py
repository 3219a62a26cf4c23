"""A run as JSON: written, read, and described by a schema.

The models below are the one source: they check what is read, and ``report.schema.json`` is made from them
(``flare-conformance schema report``). A reader of version 1 ignores fields that it does not know, so that fields can
be added; what is taken away or means something else is another version.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from conformance.reports.described import Descriptions
from conformance.reports.redaction import without_keys, without_secrets
from conformance.reports.text import encodable, plain
from conformance.results import Irregular, Lag, Result, RunRecord, Verdict

FORMAT = "flare-conformance report"
VERSION = 1
SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_ID = f"urn:flare-conformance:report:{VERSION}"
_MOST_FAULTS = 5

_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class ReportError(ValueError):
    """A file is no report of a run; the text says where, what was expected and what is there."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", use_attribute_docstrings=False)


class IrregularDocument(_Model):
    """A message of the client that breaks a rule of the wire."""

    rule: str = Field(description="The id of the rule, and of its contract.")
    expected: str = Field(description="What the rule asks for.")
    came: str = Field(description="What came instead.")


class ResultDocument(_Model):
    """The verdict on one contract."""

    contract: str = Field(min_length=1, description="The id of the contract, as MON-TIMEOUT-02.")
    verdict: Verdict = Field(description="What came of it.")
    seconds: _Seconds = Field(description="How long it took.")
    message: str = Field(description="Why, unless it passed.")
    group: str | None = Field(None, description="The first part of the id.")
    title: str | None = Field(None, description="The contract in a few words; null where the writer did not know it.")
    level: str | None = Field(None, description="must, should or may; null where the writer did not know it.")
    counts: bool = Field(True, description="Whether the verdict decides on conformance; others are reported alone.")
    expected: str | None = Field(None, description="What the contract asks for, where it was broken.")
    observed: str | None = Field(None, description="What the client did instead.")
    script: tuple[str, ...] = Field((), description="The shortest sequence of calls that breaks it, a line each.")
    transcript: tuple[dict[str, Any], ...] = Field(
        (), description="What was said on the wire, without secrets; objects with at least a kind, in order."
    )
    irregular: tuple[IrregularDocument, ...] = Field(
        (), description="Messages of the client that break rules of the wire, whatever the contract is about."
    )


class LagDocument(_Model):
    """How far the machine was behind during a run."""

    most: _Seconds = Field(description="Seconds by which a thread that watched had its turn late at worst.")
    p99: _Seconds = Field(description="The same, of all but the worst hundredth of the times.")


class ReportDocument(_Model):
    """A run of contracts against a client and a server."""

    format: str = Field(pattern=f"^{FORMAT}$", description=f"Always “{FORMAT}”.")
    version: int = Field(ge=VERSION, le=VERSION, description="The version of this format.")
    conforming: bool | None = Field(
        None, description="Whether no contract that counts was broken, and at least one was kept. Derived."
    )
    client: str = Field(description="What was under test.")
    server: str = Field(description="Against which server.")
    release: str = Field(description="The release line that the client was held to, as 2.9.")
    seed: int = Field(description="Draws the same examples again.")
    command: tuple[str, ...] = Field(description="The arguments of flare-conformance that make this run again.")
    started: str = Field(description="When, as ISO 8601 with a zone.")
    seconds: _Seconds = Field(description="How long it took.")
    lag: LagDocument = Field(LagDocument(most=0.0, p99=0.0), description="How far the machine was behind.")
    versions: dict[str, str] = Field(description="Of the software that took part, by its name.")
    results: tuple[ResultDocument, ...] = Field(description="A verdict a contract.")

    @field_validator("results")
    @classmethod
    def _once_each(cls, results: tuple[ResultDocument, ...]) -> tuple[ResultDocument, ...]:
        seen: set[str] = set()
        for result in results:
            if result.contract in seen:
                raise PydanticCustomError("twice", "one result a contract", {"got": f"two of {result.contract}"})
            seen.add(result.contract)
        return results


def as_document(record: RunRecord) -> dict[str, Any]:
    """A run as the JSON document that ``write_json`` writes. It holds no secrets of the wire."""
    descriptions = Descriptions()
    document: dict[str, Any] = plain(
        {
            "format": FORMAT,
            "version": VERSION,
            "conforming": record.conforms,
            "client": record.client,
            "server": record.server,
            "release": record.release,
            "seed": record.seed,
            "command": record.command,
            "started": record.started,
            "seconds": record.seconds,
            "lag": {"most": record.lag.most, "p99": record.lag.p99},
            "versions": record.versions,
            "results": [_result(result, descriptions) for result in record.results],
        }
    )
    return document


def _result(result: Result, descriptions: Descriptions) -> dict[str, Any]:
    described = descriptions[result.contract]
    return {
        "contract": result.contract,
        "verdict": result.verdict.value,
        "seconds": result.seconds,
        "message": without_keys(result.message),
        "group": result.group,
        "title": described.title or None,
        "level": described.level if described.title else None,
        "counts": result.counts,
        "expected": None if result.expected is None else without_keys(result.expected),
        "observed": None if result.observed is None else without_keys(result.observed),
        "script": [without_keys(line) for line in result.script],
        "transcript": without_secrets(plain(result.transcript)),
        "irregular": [
            {"rule": one.rule, "expected": without_keys(one.expected), "came": without_keys(one.came)}
            for one in result.irregular
        ],
    }


def write_json(path: Path, record: RunRecord) -> None:
    """Write a run as JSON.

    Raises:
        OSError: the file cannot be written.
    """
    text = json.dumps(as_document(record), indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> RunRecord:
    """Read a run that ``write_json`` wrote.

    Raises:
        ReportError: the file is no such report.
        OSError: the file cannot be read.
    """
    content = path.read_bytes()
    try:
        document = ReportDocument.model_validate_json(content)
    except ValidationError as problem:
        raise ReportError(_describe(path, problem)) from None
    return RunRecord(
        client=document.client,
        server=document.server,
        release=document.release,
        seed=document.seed,
        command=document.command,
        started=document.started,
        seconds=document.seconds,
        results=tuple(_read(result) for result in document.results),
        lag=Lag(document.lag.most, document.lag.p99),
        versions=document.versions,
    )


def _read(result: ResultDocument) -> Result:
    return Result(
        contract=result.contract,
        verdict=result.verdict,
        seconds=result.seconds,
        message=result.message,
        counts=result.counts,
        expected=result.expected,
        observed=result.observed,
        script=result.script,
        transcript=result.transcript,
        irregular=tuple(Irregular(one.rule, one.expected, one.came) for one in result.irregular),
    )


def _describe(path: Path, problem: ValidationError) -> str:
    """Every fault with its file, its field, what was expected and what is there."""
    errors = problem.errors()
    # What is no report at all, or one of another version, has but this one fault.
    first = [error for error in errors if error["loc"] in (("format",), ("version",))]
    lines = [_fault(path, error) for error in (first or errors)]
    more = [f"and {len(lines) - _MOST_FAULTS} more"] if len(lines) > _MOST_FAULTS else []
    return "\n".join(lines[:_MOST_FAULTS] + more)


def _fault(path: Path, error: Any) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]).lstrip(".")
    kind, came = error["type"], encodable(f"{error['input']!r:.60}")
    if kind == "json_invalid":
        return f"{path}: expected JSON, but {error['ctx']['error']}"
    if place == "format":
        came = "none" if kind == "missing" else came
        return f"{path}: format: expected a report of flare-conformance, {FORMAT!r}, but got {came}"
    if place == "version":
        return f"{path}: version: expected version {VERSION} of the format, but got {came}"
    where = f"{path}: {place}: " if place else f"{path}: "
    if kind == "missing":
        return f"{where}expected this field, but it is missing"
    if kind == "twice":
        return f"{where}expected {error['msg']}, but got {error['ctx']['got']}"
    expected = error["msg"].replace("Input should be ", "").replace("String should have", "text with")
    return f"{where}expected {expected}, but got {came}"


def schema() -> dict[str, Any]:
    """The JSON Schema of a report, draft 2020-12."""
    return {"$schema": SCHEMA_DIALECT, "$id": SCHEMA_ID, **ReportDocument.model_json_schema()}


def schema_text() -> str:
    """The published schema, to the letter as in ``report.schema.json``."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
