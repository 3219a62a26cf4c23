"""The page of a run in a real browser: it filters, opens, can be read on any screen, and is safe."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.reports import write_html
from conformance.results import Result, Verdict
from tests.browser import chromium
from tests.browser.chromium import Page
from tests.conformance.reports.records import HOSTILE_RECORD, RECORD, entry

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium.program() is None, reason=f"needs a browser: one of {', '.join(chromium.NAMES)}"),
]

OTHER = dataclasses.replace(RECORD, client="old_client", results=RECORD.results[:3])
SHOWN = "[...document.querySelectorAll('details.contract')].filter(c => !c.hidden).map(c => c.id)"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium.browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def path(tmp_path: Path) -> Path:
    written = tmp_path / "page.html"
    write_html(written, RECORD, OTHER)
    return written


def test_it_loads_alone_and_without_complaint(tab: Page, path: Path) -> None:
    tab.open(path)
    assert [request["request"]["url"] for request in tab.of("Network.requestWillBeSent")] == [path.as_uri()]
    assert tab.of("Log.entryAdded") == []
    assert tab.of("Runtime.exceptionThrown") == []
    assert tab.ask("document.querySelector('output').value") == "7 of 7 shown"
    # Its style is allowed by the policy, too.
    assert tab.ask("getComputedStyle(document.querySelector('.chip.failed')).fontWeight") == "600"


def test_text_group_level_and_verdict_choose_contracts(tab: Page, path: Path) -> None:
    tab.open(path)
    tab.ask("document.querySelector('[name=text]').focus()")
    tab.type("timeout before")
    assert tab.ask(SHOWN) == ["MON-TIMEOUT-01"]
    assert tab.ask("document.querySelector('output').value") == "1 of 7 shown"
    assert tab.ask("[...document.querySelectorAll('main > section')].filter(s => !s.hidden).length") == 1
    tab.ask("document.querySelector('[type=reset]').click()")
    assert len(tab.ask(SHOWN)) == 7
    tab.ask("document.querySelector('[data-choose=group][data-value=MON]').click()")
    assert tab.ask(SHOWN) == ["MON-TIMEOUT-01", "MON-FINISH-02"]
    tab.ask("document.querySelector('[type=reset]').click()")
    tab.ask("document.querySelector('[name=verdict][value=passed]').click()")
    assert "ABORT-RUN-01" not in tab.ask(SHOWN)
    assert len(tab.ask(SHOWN)) == 6


def test_only_what_differs_can_be_shown(tab: Page, path: Path) -> None:
    tab.open(path)
    tab.ask("document.querySelector('[name=differs]').click()")
    assert set(tab.ask(SHOWN)) == {result.contract for result in RECORD.results[3:]}


def test_an_address_names_a_contract(tab: Page, path: Path) -> None:
    tab.open(path, "#ABORT-RUN-01")
    assert tab.ask("document.getElementById('ABORT-RUN-01').open") is True
    tab.ask("document.querySelector('[name=verdict][value=inconclusive]').click()")
    tab.ask("new Promise(done => { addEventListener('hashchange', () => done()); location.hash = '#MON-FINISH-02'; })")
    assert tab.ask("document.getElementById('MON-FINISH-02').hidden") is False
    assert tab.ask("document.getElementById('MON-FINISH-02').open") is True


def test_the_keyboard_reaches_and_opens_a_contract(tab: Page, path: Path) -> None:
    tab.open(path)
    tab.press("Tab")
    assert tab.ask("document.activeElement.className") == "skip"
    tab.ask("document.querySelector('#ABORT-RUN-01 summary').focus()")
    tab.press("Enter")
    assert tab.ask("document.getElementById('ABORT-RUN-01').open") is True
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert tab.ask(outline) == "solid"
    tab.press("Tab")
    assert tab.ask("document.activeElement.closest('details.contract').id") == "ABORT-RUN-01"


CONTRAST = """
(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = rgba(getComputedStyle(e).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  document.querySelectorAll('details').forEach((d) => { d.open = true; });
  const bad = [];
  for (const element of document.body.querySelectorAll('*')) {
    const hasText = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!hasText || !element.checkVisibility() || element.matches('script, option, .unseen')) continue;
    const [a, b] = [light(rgba(getComputedStyle(element).color)), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) bad.push(`${element.tagName}.${element.className}: ${ratio.toFixed(2)}`);
  }
  return bad;
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(tab: Page, path: Path, scheme: str) -> None:
    tab.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    tab.open(path)
    dark = tab.ask("matchMedia('(prefers-color-scheme: dark)').matches")
    assert dark is (scheme == "dark")
    assert tab.ask(CONTRAST) == []


WIDER = """
[...document.body.querySelectorAll('*')]
  .filter((e) => !e.closest('.scroll table, .skip') && e.getBoundingClientRect().right > innerWidth + 0.5)
  .map((e) => `${e.tagName}.${e.getAttribute('class')}: ${e.getBoundingClientRect().right}`)
"""


@pytest.mark.parametrize("width", [320, 500, 1280])
def test_no_screen_is_too_narrow(tab: Page, tmp_path: Path, width: int) -> None:
    long = "x" * 300
    failed = dataclasses.replace(
        RECORD.results[3], observed=long, script=(long,), transcript=(entry(1, summary=long, user=long, detail=long),)
    )
    path = tmp_path / "wide.html"
    write_html(path, dataclasses.replace(RECORD, client=long, command=("run", long), results=(failed,)), OTHER)
    tab.send("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
    try:
        tab.open(path)
        tab.ask("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        assert tab.ask("innerWidth") == width
        assert tab.ask(WIDER) == []
        assert tab.ask("document.documentElement.scrollWidth") <= width
    finally:
        tab.send("Emulation.clearDeviceMetricsOverride")


def test_what_a_client_says_does_not_run(tab: Page, tmp_path: Path) -> None:
    path = tmp_path / "hostile.html"
    write_html(path, HOSTILE_RECORD, HOSTILE_RECORD)
    tab.open(path)
    tab.ask("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert tab.of("Page.javascriptDialogOpening") == []
    assert len(tab.of("Network.requestWillBeSent")) == 1
    assert tab.ask("document.querySelectorAll('img').length") == 0
    assert tab.ask("document.querySelectorAll('script').length") == 1


def test_the_policy_stops_markup_that_slipped_in(tab: Page, path: Path) -> None:
    content = path.read_text(encoding="utf-8")
    slipped = "<script>window.ran = true</script><img src='http://127.0.0.1:9/x' onerror='window.ran = true'><h2>"
    path.write_text(content.replace("<h2>", slipped, 1), encoding="utf-8")
    tab.open(path)
    assert tab.ask("window.ran === undefined") is True
    assert any("Content Security Policy" in one["entry"]["text"] for one in tab.of("Log.entryAdded"))


def test_a_large_run_is_filtered_at_once(tab: Page, tmp_path: Path) -> None:
    results = tuple(
        Result(f"BIG-{number:04}-01", Verdict.PASSED, 0.1, transcript=tuple(map(entry, range(40))))
        for number in range(500)
    )
    path = tmp_path / "large.html"
    write_html(path, dataclasses.replace(RECORD, results=results))
    tab.open(path)
    tab.ask("document.querySelector('[name=text]').focus()")
    tab.type("big-0123")
    assert tab.ask(SHOWN) == ["BIG-0123-01"]
