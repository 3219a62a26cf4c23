"""The page of a running server in a real browser: it follows, its buttons work, it can be read, and it is safe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flare_client import new_secure_session
from mock_server import ControlSettings, ManualClock, MockServer
from tests.browser import chromium
from tests.browser.chromium import Page
from tests.browser.shots import SCENARIO, busy, window
from tests.browser.test_page import CONTRAST
from tests.support import write_job

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium.program() is None, reason=f"needs a browser: one of {', '.join(chromium.NAMES)}"),
]

ADMIN = "admin@nvidia.com"
LIVE = "document.getElementById('live')?.textContent === 'live'"
ALL_THERE = """
['.bar svg', '#fault-list li', '#site-list li', '#entries li'].every((one) => document.querySelector(one) !== null)
"""
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


@pytest.fixture(scope="module")
def _server() -> Iterator[MockServer]:
    with MockServer(control=True) as running:
        yield running


@pytest.fixture
def server(_server: MockServer) -> MockServer:
    _server.reset(scenario=SCENARIO, sites=["site-1", "site-2"], clock="virtual")
    return _server


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium.browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def tab(browser: Page, server: MockServer) -> Iterator[Page]:
    """A window on the page of a server with a few jobs, wide and light."""
    window(browser, 1280, 1020)
    browser.open("about:blank")
    browser.open(server.control.page)
    browser.wait(LIVE)
    yield browser
    browser.open("about:blank")


def clock_of(server: MockServer) -> ManualClock:
    assert isinstance(server.clock, ManualClock)
    return server.clock


def texts(selector: str) -> str:
    return f"[...document.querySelectorAll({selector!r})].map((one) => one.textContent)"


def click(tab: Page, selector: str) -> None:
    tab.ask(f"document.querySelector({selector!r}).click()")


def test_it_loads_from_the_server_alone_and_without_complaint(tab: Page, server: MockServer) -> None:
    addresses = {request["request"]["url"] for request in tab.of("Network.requestWillBeSent")}
    assert addresses
    assert all(address.startswith(server.control.url) for address in addresses)
    said = [one["entry"] for one in tab.of("Log.entryAdded")]
    assert [one for one in said if one["source"] != "recommendation"] == []  # advice for forms where people sign in
    assert tab.of("Runtime.exceptionThrown") == []
    tab.wait("document.querySelector('h1').textContent === 'FLARE server 2.9.0'")
    assert "tests only" in tab.ask("document.querySelector('header').textContent")


def test_the_token_leaves_the_address_and_is_kept_for_the_tab(tab: Page, server: MockServer) -> None:
    assert tab.ask("location.href") == f"{server.control.url}/"
    assert server.control.token not in tab.ask("document.documentElement.outerHTML")
    tab.send("Page.reload")
    tab.wait(LIVE)


def test_who_brings_no_token_is_asked_for_it(browser: Page, server: MockServer) -> None:
    browser.open("about:blank")
    browser.open(f"{server.control.url}/#token=wrong-token")
    browser.wait("document.getElementById('ask-token').open")
    browser.ask("document.querySelector('#ask-token input').focus()")
    browser.type(server.control.token)
    browser.press("Enter")
    browser.wait(LIVE)


def test_the_clock_is_moved_by_its_buttons_and_jobs_follow(tab: Page, server: MockServer) -> None:
    begun = server.clock.time()
    tab.wait(f"{texts('#job-list .name')}.join() === 'train-brain-1'")
    click(tab, "[data-next]")
    tab.wait("document.getElementById('time').textContent.endsWith('22:13:24')")
    click(tab, "[data-by='10s']")
    tab.wait(f"{texts('#job-list .chip')}.join() === 'running'")
    tab.ask("document.querySelector('[name=by]').focus()")
    tab.type("2m")
    tab.press("Enter")
    tab.wait(f"{texts('#job-list .chip')}.includes('execution exception')")
    assert server.clock.time() == begun + 134
    label = tab.ask("[...document.querySelectorAll('.bar svg')].at(-1).getAttribute('aria-label')")
    assert label.startswith("submitted 4 s, dispatched 3 s, running ")


def test_what_clients_do_is_there_at_once(tab: Page, server: MockServer, tmp_path: Path) -> None:
    with new_secure_session(ADMIN, str(server.kit(ADMIN))) as session:
        tab.wait(f"{texts('#session-list .what')}.join() === '{ADMIN}'")
        job_id = session.submit_job(str(write_job(tmp_path, "mine")))
        tab.wait(f"{texts('#job-list .name')}[0] === 'mine'")
        tab.wait(f"{texts('#entries .what')}.some((text) => text.includes('submit_job'))")
        session.delete_job(job_id)
        tab.wait(f"!{texts('#job-list .name')}.includes('mine')")
    tab.wait("!document.getElementById('no-sessions').hidden")


def test_a_job_opens_with_its_past_and_is_aborted_and_deleted(tab: Page, server: MockServer) -> None:
    clock_of(server).advance(20)
    tab.wait(f"{texts('#job-list .chip')}.join() === 'running'")
    click(tab, "#job-list .name")
    tab.wait(f"{texts('.past .what')}.slice(0, 3).join() === 'SUBMITTED,DISPATCHED,RUNNING'")
    assert '"job_id"' in tab.ask("document.querySelector('.details pre').textContent")
    tab.ask("[...document.querySelectorAll('.details button')].find((one) => one.textContent === 'Abort').click()")
    tab.wait(f"{texts('#job-list .chip')}.join() === 'aborted'")
    tab.wait("document.querySelector('.details button')?.disabled")
    tab.ask("[...document.querySelectorAll('.details button')].find((one) => one.textContent === 'Delete').click()")
    tab.wait("!document.getElementById('no-jobs').hidden")


def test_jobs_are_filtered(tab: Page, server: MockServer) -> None:
    clock_of(server).advance(100)
    tab.wait("document.querySelectorAll('#job-list > li').length === 7")
    tab.ask("document.querySelector('#jobs-form [name=name]').focus()")
    tab.type("nightly*")
    tab.wait("document.querySelectorAll('#job-list > li').length === 3")
    tab.ask(
        "(() => { const s = document.querySelector('#jobs-form select'); s.value = 'FINISHED:COMPLETED';"
        " s.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )
    tab.wait("document.getElementById('no-jobs').textContent === 'No job fits.'")


def test_a_fault_is_injected_switched_and_removed(tab: Page, server: MockServer) -> None:
    click(tab, "#faults summary")
    tab.ask("document.querySelector('#fault-form [name=field-seconds]').focus()")
    tab.type("2s")
    tab.ask("document.querySelector('#fault-form [name=command]').focus()")
    tab.type("list_jobs")
    tab.press("Enter")
    tab.wait("document.querySelector('#fault-list .switch') !== null")
    (fault,) = server.faults.all
    assert (fault.rule.command, fault.rule.action.seconds) == ("list_jobs", 2.0)  # type: ignore[union-attr] # a delay
    click(tab, "#fault-list .switch")
    tab.wait("document.querySelector('#fault-list .switch').ariaChecked === 'false'")
    assert fault.is_paused
    click(tab, "#fault-list .switch")
    tab.wait("document.querySelector('#fault-list .switch').ariaChecked === 'true'")
    click(tab, "#fault-list .small")
    tab.wait("!document.getElementById('no-faults').hidden")
    assert server.faults.all == []


def test_what_is_wrong_is_said_where_people_see_it(tab: Page) -> None:
    tab.ask("document.querySelector('[name=by]').focus()")
    tab.type("1 fortnight")
    tab.press("Enter")
    tab.wait("document.getElementById('problems').textContent.includes('by: expected a duration')")


def test_sites_are_switched(tab: Page, server: MockServer) -> None:
    tab.wait("document.querySelectorAll('#site-list .switch').length === 2")
    click(tab, "#site-list .switch")
    tab.wait("document.getElementById('sites-count').textContent === '1 of 2 connected'")
    assert [site.name for site in server.call(lambda context: context.engine.connected_sites())] == ["site-2"]


def test_sessions_are_expired(tab: Page, server: MockServer) -> None:
    with new_secure_session(ADMIN, str(server.kit(ADMIN))):
        tab.wait("document.querySelector('#session-list button') !== null")
        click(tab, "#session-list button")
        tab.wait("!document.getElementById('no-sessions').hidden")
        assert server.call(lambda context: len(context.sessions)) == 0


def test_a_kit_is_written(tab: Page, server: MockServer) -> None:
    click(tab, "#kits summary")
    tab.ask("document.querySelector('#kit-form [name=name]').focus()")
    tab.type("page@here.org")
    tab.press("Enter")
    tab.wait(f"{texts('#kit-list .what')}.includes('page@here.org')")
    assert (server.kits_folder / "page@here.org" / "startup" / "client.key").is_file()


def test_the_transcript_is_filtered_and_opened(tab: Page, server: MockServer) -> None:
    with new_secure_session(ADMIN, str(server.kit(ADMIN))) as session:
        session.list_jobs()
        session.get_system_info()
    tab.wait(f"{texts('#entries .what')}.some((text) => text.includes('check_status'))")
    assert set(tab.ask(texts("#entries .kind"))) <= {"command", "decision", "fault"}
    click(tab, "[name=kind][value=connection]")
    tab.wait(f"{texts('#entries .kind')}.includes('connection')")
    tab.ask("document.querySelector('#transcript-form [name=text]').focus()")
    tab.type("list_jobs")
    tab.wait(f"!{texts('#entries .what')}.some((one) => one.includes('check_status'))")
    tab.wait("document.querySelector('#entries li') !== null")
    click(tab, "#entries summary")
    tab.wait("document.querySelector('#entries pre')?.textContent.includes('list_jobs')")


def test_a_reset_plays_another_scenario(tab: Page, server: MockServer) -> None:
    tab.ask("document.querySelector('#server-form select').value = 'busy-cluster'")
    click(tab, "#server-form [type=submit]")
    tab.wait("document.getElementById('facts').textContent.includes('Others got there first')")
    tab.wait("document.querySelectorAll('#job-list > li').length === 10")


def test_a_clock_that_goes_by_itself_has_no_buttons(tab: Page, server: MockServer) -> None:
    server.reset(clock="x100")
    tab.wait("document.getElementById('clock-kind').textContent === '× 100'")
    assert tab.ask("document.getElementById('clock-form').hidden") is True
    tab.wait(f"{texts('#job-list .chip')}.includes('running')")
    click(tab, "#make-virtual")
    tab.wait("!document.getElementById('clock-form').hidden")


def test_the_keyboard_reaches_everything(tab: Page) -> None:
    tab.press("Tab")
    assert tab.ask("document.activeElement.className") == "skip"
    tab.wait("document.querySelector('#site-list .switch') !== null")
    tab.ask("document.querySelector('#site-list .switch').focus()")
    before = tab.ask("document.activeElement.ariaChecked")
    tab.press("Space")
    tab.wait(f"document.activeElement.ariaChecked === '{'false' if before == 'true' else 'true'}'")
    assert tab.ask("document.activeElement.className") == "switch"  # the row is new, the focus is where it was
    unnamed = """
    [...document.querySelectorAll('button, input, select')].filter((one) =>
      !(one.ariaLabel || one.textContent.trim() || one.labels?.length)).map((one) => one.outerHTML)
    """
    assert tab.ask(unnamed) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(browser: Page, server: MockServer, tmp_path: Path, scheme: str) -> None:
    busy(server, tmp_path)
    window(browser, 1280, 1020, scheme)
    browser.open("about:blank")
    browser.open(server.control.page)
    browser.wait(
        "document.querySelectorAll('.bar svg').length > 7 && document.querySelector('#fault-list li') !== null"
    )
    browser.wait("document.querySelector('#entries li') !== null && document.querySelector('#site-list li') !== null")
    click(browser, "#job-list .name")
    browser.wait("document.querySelector('.past li') !== null")
    assert browser.ask(CONTRAST) == []


WIDER = """
[...document.body.querySelectorAll('*')]
  .filter((e) => !e.closest('.skip, .unseen, svg, .axis, pre') && e.checkVisibility())
  .filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5)
  .map((e) => `${e.tagName}.${e.getAttribute('class')}: ${e.getBoundingClientRect().right}`)
"""


@pytest.mark.parametrize("width", [320, 500, 1280])
def test_no_screen_is_too_narrow(browser: Page, server: MockServer, tmp_path: Path, width: int) -> None:
    busy(server, tmp_path)
    server.faults.inject("reply", error="x" * 300, command="y" * 200)
    window(browser, width, 900)
    browser.open("about:blank")
    browser.open(server.control.page)
    browser.wait(
        "document.querySelectorAll('.bar svg').length > 7 && document.querySelector('#fault-list li') !== null"
    )
    browser.ask("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    click(browser, "#job-list .name")
    browser.wait("document.querySelector('.past li') !== null")
    assert browser.ask("innerWidth") == width
    assert browser.ask(WIDER) == []
    assert browser.ask("document.documentElement.scrollWidth") <= width


def test_what_anybody_sent_does_not_run(tab: Page, server: MockServer) -> None:
    server.faults.inject("reply", error=HOSTILE, command="nothing")
    server.reset(scenario={"description": HOSTILE, "sites": [{"name": "site-1", "org": HOSTILE[:60]}]})
    server.faults.inject("reply", error=HOSTILE, command=HOSTILE)
    tab.wait(f"document.getElementById('facts').textContent.includes({HOSTILE!r})")
    tab.wait("document.querySelector('#fault-list li')?.textContent.includes('<script>')")
    assert tab.of("Page.javascriptDialogOpening") == []
    assert tab.ask("document.querySelectorAll('img').length") == 0
    assert tab.ask("document.querySelectorAll('script').length") == 1


def test_the_policy_stops_markup_that_slipped_in(tab: Page) -> None:
    tab.ask("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = true\">')")
    tab.ask("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = true'}))")
    tab.wait("true")
    assert tab.ask("window.ran === undefined") is True
    assert any("Content Security Policy" in one["entry"]["text"] for one in tab.of("Log.entryAdded"))


def test_a_server_that_ends_is_told_and_found_again(browser: Page, tmp_path: Path) -> None:
    server = MockServer(control=True, workspace=tmp_path, scenario=SCENARIO)
    with server:
        page, port = server.control.page, int(server.control.url.rpartition(":")[2])
        token = server.control.token
        browser.open("about:blank")
        browser.open(page)
        browser.wait(LIVE)
    browser.wait("document.getElementById('live').textContent === 'not reached'")
    with MockServer(control=ControlSettings(port, token), workspace=tmp_path, scenario=SCENARIO):
        browser.wait(LIVE)
    browser.open("about:blank")
