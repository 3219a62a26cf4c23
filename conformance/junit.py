"""A run as JUnit XML, for programs that show test results."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from conformance.results import Result, RunRecord, Verdict

_SKIPPED = frozenset({Verdict.SKIPPED, Verdict.INCONCLUSIVE, Verdict.EXPECTED_FAILURE})


def write_junit(path: Path, record: RunRecord) -> None:
    """Write a run as JUnit XML.

    Raises:
        OSError: the file cannot be written.
    """
    suite = ElementTree.Element(
        "testsuite",
        name="flare-conformance",
        tests=str(len(record.results)),
        failures=str(sum(result.is_bad for result in record.results)),
        skipped=str(sum(result.verdict in _SKIPPED for result in record.results)),
        time=f"{record.seconds:.3f}",
        timestamp=record.started,
    )
    for result in record.results:
        _case(suite, result)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _case(suite: ElementTree.Element, result: Result) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname="conformance",
        name=f"test_contract[{result.contract}]",
        time=f"{result.seconds:.3f}",
    )
    message = "".join(
        mark if mark.isprintable() or mark in "\n\t" else "\N{REPLACEMENT CHARACTER}" for mark in result.message
    )
    if result.is_bad:
        ElementTree.SubElement(case, "failure", message=message).text = message
    elif result.verdict in _SKIPPED or result.verdict is Verdict.FAILED:
        ElementTree.SubElement(case, "skipped", message=message)
