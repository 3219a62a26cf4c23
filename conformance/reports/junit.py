"""A run as JUnit XML, which CI systems show.

JUnit knows passed, failed and skipped. A failure is what makes the run fail; whatever else did not pass is skipped,
with the verdict and the reason, so that a dashboard is red exactly when the run is.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from conformance.reports.described import Described, Descriptions
from conformance.reports.redaction import without_keys
from conformance.reports.rerun import rerun_command
from conformance.reports.text import visible
from conformance.results import Result, RunRecord, Verdict

_SUITE = "flare-conformance"


def write_junit(path: Path, record: RunRecord) -> None:
    """Write a run as JUnit XML.

    Raises:
        OSError: the file cannot be written.
    """
    root = junit(record)
    ElementTree.indent(root)
    path.write_bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def junit(record: RunRecord) -> ElementTree.Element:
    """A run as the root of a JUnit document."""
    descriptions = Descriptions()
    bad = sum(result.is_bad for result in record.results)
    passed = sum(result.verdict is Verdict.PASSED for result in record.results)
    numbers = {
        "name": _SUITE,
        "tests": str(len(record.results)),
        "failures": str(bad),
        "errors": "0",
        "skipped": str(len(record.results) - bad - passed),
        "time": f"{record.seconds:.3f}",
    }
    root = ElementTree.Element("testsuites", numbers)
    suite = ElementTree.SubElement(root, "testsuite", {**numbers, "timestamp": _said(record.started)})
    run = {"client": record.client, "server": record.server, "release": record.release, "seed": str(record.seed)}
    _properties(suite, [*run.items(), *record.versions.items()])
    for result in record.results:
        _case(suite, record, result, descriptions[result.contract])
    return root


def _case(suite: ElementTree.Element, record: RunRecord, result: Result, described: Described) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        {
            "classname": f"{_SUITE}.{_said(record.release)}.{_said(result.group)}",
            "name": _said(result.contract),
            "time": f"{result.seconds:.3f}",
        },
    )
    facts = [("title", described.title), ("statement", described.statement), ("level", described.level)]
    facts += [("source", line) for line in described.sources]
    _properties(case, [*facts, ("verdict", result.verdict.value), ("counts", "yes" if result.counts else "no")])
    if result.is_bad:
        failure = ElementTree.SubElement(
            case, "failure", {"type": result.verdict.value, "message": _said(result.message)}
        )
        failure.text = _said("\n".join(_details(record, result, described)))
    elif result.verdict is not Verdict.PASSED:
        verdict = result.verdict.value + ("" if result.counts else ", does not count")
        ElementTree.SubElement(case, "skipped", {"message": _said(f"{verdict}: {result.message}")})


def _details(record: RunRecord, result: Result, described: Described) -> Iterator[str]:
    yield described.statement
    if result.expected is not None:
        yield f"expected: {result.expected}"
    if result.observed is not None:
        yield f"observed: {result.observed}"
    if result.expected is None and result.observed is None:
        yield result.message
    if result.script:
        yield "script:"
        yield from (f"  {line}" for line in result.script)
    again = rerun_command(record, result.contract)
    if again is not None:
        yield f"again: {shlex.join(again)}"


def _properties(parent: ElementTree.Element, facts: list[tuple[str, str]]) -> None:
    properties = ElementTree.SubElement(parent, "properties")
    for name, value in facts:
        ElementTree.SubElement(properties, "property", {"name": _said(name), "value": _said(value)})


def _said(text: str) -> str:
    """Text that XML allows: of control characters, only tab and newline."""
    return visible(without_keys(text))
