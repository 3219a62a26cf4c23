"""Small client programs for the adapter protocol: one that is in order, and many that are not, as data."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from conformance.adapters.features import Feature

ROOT = Path(__file__).parents[3]

TEMPLATE = """
import json, os, sys, time

def write(text):
    sys.stdout.write(text)
    sys.stdout.flush()

def send(**message):
    write(json.dumps(dict(message, jsonrpc="2.0")) + "\\n")

def invoke(**params):
    send(id="cb", method="callback.invoke", params={"call": number, **params})

HELLO = {"protocol": 1, "language": "python", "name": "small", "version": "1", "releases": ["2.6"],
         "features": ["debug", "monitor_callback"]}
START
for line in sys.stdin:
    request = json.loads(line)
    number, method, params = request["id"], request["method"], request["params"]
    if method == "hello":
        ON_HELLO
    elif method == "session.open":
        ON_OPEN
    elif params.get("method") == "get_system_info":
        send(id=number, result={"$type": "SystemInfo", "job_info": [{"$type": "JobInfo", "job_id": "x"}]})
    else:
        ON_CALL
AT_END
"""


def program(
    folder: Path,
    call: str = "send(id=number, result=None)",
    *,
    hello: str = "send(id=number, result=HELLO)",
    opening: str = 'send(id=number, result={"session": "1"})',
    start: str = "",
    end: str = "",
) -> Path:
    """Write a program that is in order but for what a test puts in."""

    def inside(text: str) -> str:
        return text.strip().replace("\n", "\n        ")

    source = TEMPLATE.replace("START", start.strip()).replace("ON_HELLO", inside(hello))
    source = source.replace("ON_OPEN", inside(opening)).replace("ON_CALL", inside(call)).replace("AT_END", end)
    path = folder / "client.py"
    path.write_text(source)
    return path


def reference_program(folder: Path, releases: list[str]) -> Path:
    """Write the program of the reference client."""
    path = folder / "reference.py"
    path.write_text(
        f"""
import sys
sys.path[:0] = [{str(ROOT / "conformance" / "adapters")!r}, {str(ROOT)!r}]
import flare_client, program

def factory(username, kit, secure=True, timeout=10.0, **further):
    if secure:
        return flare_client.new_secure_session(username, kit, timeout=timeout, **further)
    return flare_client.new_insecure_session(kit, timeout=timeout, **further)

features = {sorted({feature.value for feature in Feature} - {"cell_info", "basic_cb"})!r}
program.main(factory, flare_client.basic_cb_with_print, releases={releases!r}, features=features)
"""
    )
    return path


@dataclasses.dataclass(frozen=True)
class Bad:
    """A program that breaks the protocol.

    Attributes:
        what: it does.
        reason: a part of the verdict.
        place: where its code stands, an argument of ``program``.
        code: what it does there.
    """

    what: str
    reason: str
    place: str
    code: str

    def write(self, folder: Path) -> Path:
        """Write it."""
        return program(folder, **{self.place: self.code})

    def __str__(self) -> str:
        return self.what


def _at(place: str) -> Callable[[str, str, str], Bad]:
    return lambda what, reason, code: Bad(what, reason, place, code)


_start, _hello, _open, _call = _at("start"), _at("hello"), _at("opening"), _at("call")

AT_START = (
    _start("exits at once", "hello: the client program ended", "sys.exit(3)"),
    _start("crashes with a trace", "no such kit", "raise RuntimeError('no such kit')"),
    _start("speaks before it is asked", "nobody asked for that", "send(id=99, result=1)"),
    _start(
        "answers before it is asked",
        "expected protocol 1|nobody asked for that",
        "send(id=1, result=1); sys.stdin.readline()",
    ),
    _start("never says hello", "hello: no answer in", "time.sleep(60)"),
    _start("floods at start", "expected a line of JSON", "while True: write('hello there\\n')"),
    _start("closes its output and goes on", "ended", "os.close(1); time.sleep(60)"),
    _start("closes its input", "no answer in|cannot send", "os.close(0); time.sleep(60)"),
    _hello("speaks another version", "expected protocol 1", "send(id=number, result=dict(HELLO, protocol=2))"),
    _hello("names no release", "expected releases", "send(id=number, result=dict(HELLO, releases=[]))"),
    _hello(
        "has features of another kind",
        "expected a list of features",
        "send(id=number, result=dict(HELLO, features={}))",
    ),
    _hello("has no name", "expected a text as name", "send(id=number, result=dict(HELLO, name=None))"),
    _hello(
        "answers hello with an error", "error -32601", "send(id=number, error={'code': -32601, 'message': 'what?'})"
    ),
)
"""They never get as far as a session."""

AT_A_CALL = (
    _open("opens what is no session", "expected a session", "send(id=number, result={'session': 7})"),
    _call("crashes at a call", "list_jobs: the client program ended", "os._exit(139)"),
    _call("is killed at a call", "the client program ended", "os.kill(os.getpid(), 9)"),
    _call("says why it ends", "boom: no such thing", "print('boom: no such thing', file=sys.stderr); sys.exit(1)"),
    _call("hangs", "no answer in", "time.sleep(60)"),
    _call("writes half a line and dies", "expected a line of JSON", "write('{\"jsonrpc'); sys.exit()"),
    _call("writes half a line and hangs", "no answer in", "write('{\"jsonrpc'); time.sleep(60)"),
    _call("prints garbage", "expected a line of JSON", "print('starting up ...', flush=True)"),
    _call("prints what is no object", "expected a JSON object", "write('[1]\\n')"),
    _call(
        "prints no UTF-8", "expected a line of JSON", "sys.stdout.buffer.write(b'\\xff\\xfe{}\\n'); sys.stdout.flush()"
    ),
    _call(
        "prints UTF-16",
        "expected a line of JSON",
        "sys.stdout.buffer.write('{}\\n'.encode('utf-16')); sys.stdout.flush()",
    ),
    _call("prints half characters", "whole characters", "send(id=number, result=chr(0xd800))"),
    _call("nests without end", "expected a line of JSON|nested", "write('[' * 200_000 + '\\n')"),
    _call(
        "nests deep",
        "nested at most 100",
        "write('{\"jsonrpc\": \"2.0\", \"id\": 3, \"result\": ' + '[' * 150 + ']' * 150 + '}\\n')",
    ),
    _call(
        "prints a number without end",
        "expected a line of JSON",
        'write(\'{"jsonrpc": "2.0", "id": 3, "result": \' + \'9\' * 100_000 + \'}\\n\')',
    ),
    _call("prints NaN", "expected a line of JSON", 'write(\'{"jsonrpc": "2.0", "id": 3, "result": NaN}\\n\')'),
    _call("floods with lines", "expected a JSON object", "while True: write('7\\n')"),
    _call("floods with one line", "expected a line of JSON|no answer in", "while True: write('7' * 1_000_000)"),
    _call("floods standard error", "no answer in", "while True: sys.stderr.write('x' * 10_000)"),
    _call("answers nothing", "both or neither", "send(id=number)"),
    _call("answers with both", "both or neither", "send(id=number, result=1, error={})"),
    _call("answers what nobody asked", "nobody asked for that", "send(id=number + 1, result=1)"),
    _call("answers an older request", "answered before", "send(id=1, result=1)"),
    _call("answers with a text as id", "number of a request", "send(id=str(number), result=1)"),
    _call("answers with true as id", "number of a request", "send(id=True, result=1)"),
    _call("answers without a version", "jsonrpc 2.0", "write(json.dumps({'id': number, 'result': 1}) + '\\n')"),
    _call("raises without a class", "data.types", "send(id=number, error={'code': -32000, 'message': 'x'})"),
    _call("raises what is no error", "expected an object as error", "send(id=number, error='x')"),
    _call(
        "raises with a text as code",
        "expected code and message",
        "send(id=number, error={'code': '1', 'message': 'x'})",
    ),
    _call("invents an error code", "error -1: x", "send(id=number, error={'code': -1, 'message': 'x'})"),
    _call("asks for a callback without one", "for a call of monitor_job with a callback", "invoke(args=[], kwargs={})"),
    _call("asks for another method", "asks for 'harness.stop'", "send(id='x', method='harness.stop', params={})"),
    _call(
        "returns a code that is none",
        "name and value in a MonitorReturnCode",
        "send(id=number, result={'$type': 'MonitorReturnCode', 'name': 'TIMEOUT', 'value': []})",
    ),
)
"""They get as far as the first call of ``list_jobs``."""

IN_A_CALLBACK = (
    _call("crashes in a callback", "monitor_job: the client program ended", "invoke(args=[], kwargs={}); os._exit(1)"),
    _call("hangs after a callback", "no answer in", "invoke(args=[], kwargs={}); sys.stdin.readline(); time.sleep(60)"),
    _call("calls back for ever", "no answer in", "while True: invoke(args=[], kwargs={}); sys.stdin.readline()"),
    _call("calls back without waiting", "one callback at a time", "while True: invoke(args=[], kwargs={})"),
    _call("calls back for another call", "for a call of monitor_job", "invoke(args=[], kwargs={}, call=1)"),
    _call("calls back for none", "the id of a session.call", "invoke(args=[], kwargs={}, call=None)"),
    _call(
        "calls back with a list",
        "expected an object as the parameters",
        "send(id='cb', method='callback.invoke', params=[1])",
    ),
    _call("calls back with args of another kind", "expected args and kwargs", "invoke(args=1, kwargs={})"),
    _call("calls back without an id", "as the id of callback.invoke", "send(method='callback.invoke', params={})"),
)
"""They get as far as a callback of ``monitor_job``."""
