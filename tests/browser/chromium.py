"""A headless Chromium and what a test asks of it, over its own debugging protocol."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome")
_WORDS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)
_SECONDS = 60.0
"""How long a browser on a busy machine may take for anything."""


def program() -> str | None:
    """Where the browser is, if there is one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Page:
    """A tab of the browser."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0
        self.events: list[dict[str, Any]] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask for something; events that come meanwhile are kept in ``events``."""
        self._number += 1
        self._connection.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = self._next()
            if message.get("id") == self._number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result

    def _next(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._connection.recv(_SECONDS))
        if "method" in message:
            self.events.append(message)
        return message

    def open(self, target: Path | str, fragment: str = "") -> None:
        """Open a file or an address, and wait until it is loaded."""
        self.events.clear()
        self.send("Page.navigate", url=(target.as_uri() if isinstance(target, Path) else target) + fragment)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self._next()

    def of(self, method: str) -> list[dict[str, Any]]:
        """The parameters of the events of a kind since the page was opened."""
        self.send("Runtime.evaluate", expression="0")  # whatever was under way has come before its answer
        return [event["params"] for event in self.events if event["method"] == method]

    def ask(self, expression: str) -> Any:
        """The value of an expression of JavaScript, awaited."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, expression: str) -> None:
        """Wait until an expression of JavaScript is true."""
        deadline = time.monotonic() + _SECONDS
        while not self.ask(expression):
            assert time.monotonic() < deadline, f"the page did not come to: {expression}"
            time.sleep(0.02)

    def picture(self, path: Path) -> None:
        """Write what the window shows to a file, as PNG."""
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        codes = {"Tab": 9, "Enter": 13, "Space": 32}
        for key in keys:
            code = codes[key]
            text = {"Enter": "\r", "Space": " "}.get(key, "")
            name = " " if key == "Space" else key
            what = {"key": name, "code": key, "windowsVirtualKeyCode": code}
            self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **what)
            self.send("Input.dispatchKeyEvent", type="keyUp", **what)

    def type(self, text: str) -> None:
        """Type a text where the focus is."""
        self.send("Input.insertText", text=text)


@contextlib.contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """Run a browser with a profile of its own, and end it."""
    words = [str(program()), *_WORDS, f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            seen = []
            for line in process.stderr:
                seen.append(line)
                if "DevTools listening on " in line:
                    break
            else:
                raise RuntimeError(f"the browser ended: {''.join(seen)[-2000:]}")
            with connect(line.split()[-1], max_size=None, open_timeout=_SECONDS) as root:
                tabs = _call(root, 1, "Target.getTargets")["targetInfos"]
                tab = next(one["targetId"] for one in tabs if one["type"] == "page")
            base = line.split()[-1].split("/devtools/")[0]
            with connect(f"{base}/devtools/page/{tab}", max_size=None, open_timeout=_SECONDS) as connection:
                yield Page(connection)
        finally:
            process.terminate()
            process.stderr.close()  # type: ignore[union-attr] # a pipe


def _call(connection: ClientConnection, number: int, method: str) -> Any:
    connection.send(json.dumps({"id": number, "method": method}))
    while True:
        message = json.loads(connection.recv(_SECONDS))
        if message.get("id") == number:
            return message["result"]
