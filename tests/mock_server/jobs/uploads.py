"""Uploads of every kind, by name: what the official validators were shown, and what is hostile."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Iterable
from typing import Any

FOLDER = "j"
BASE: dict[str, Any] = {"name": "j", "deploy_map": {"app": ["@ALL"]}, "min_clients": 1}
LEAVE_OUT = object()

Entries = list[tuple[str, "str | bytes"]]

APP: Entries = [
    ("j/app/", ""),
    ("j/app/config/", ""),
    ("j/app/config/config_fed_server.json", "{}"),
    ("j/app/config/config_fed_client.json", "{}"),
]
YAML = 'name: j\nmin_clients: 1\ndeploy_map:\n  app: ["@ALL"]\n'


def zipped(entries: Iterable[tuple[str, str | bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip of the entries, in order."""
    target = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(target, "w", method) as archive:
        warnings.simplefilter("ignore")  # about names that stand twice, on purpose
        for name, content in entries:
            archive.writestr(name, content)
    return target.getvalue()


def with_meta(meta: Any, app: Entries = APP, name: str = "j/meta.json") -> bytes:
    """A definition whose meta file is a text, bytes, or an object to write as JSON."""
    content = meta if isinstance(meta, (str, bytes)) else json.dumps(meta)
    return zipped([(name, content), *app])


def definition(**changes: Any) -> bytes:
    """The plain definition with other meta keys."""
    return with_meta({key: value for key, value in (BASE | changes).items() if value is not LEAVE_OUT})


def _texts() -> dict[str, bytes]:
    good = json.dumps(BASE)
    texts: dict[str, str | bytes] = {
        "empty_obj": "{}",
        "empty_list": "[]",
        "list": "[1]",
        "null": "null",
        "zero": "0",
        "num": "5",
        "string": '"abc"',
        "empty_file": "",
        "bad": "{x",
        "bom": "\ufeff{}",
        "bom_ok": "\ufeff" + good,
        "trail": good + " x",
        "nan": '{"name":NaN}',
        "utf16": good.encode("utf-16"),
        "latin": b'{"name":"\xe9"}',
    }
    return {f"raw_{name}": with_meta(text) for name, text in texts.items()}


def _deploy_maps() -> dict[str, bytes]:
    maps: dict[str, Any] = {
        "nodeploy": LEAVE_OUT,
        "deploy_empty": {},
        "deploy_list": ["server"],
        "deploy_str": "x",
        "deploy_int": 5,
        "nosite": {"app": []},
        "entry_int": {"app": 5},
        "entry_null": {"app": None},
        "entry_str": {"app": "server"},
        "site_int": {"app": ["server", 5]},
        "site_null": {"app": [None]},
        "site_list": {"app": [["server"]]},
        "site_bool": {"app": ["server", True]},
        "allplus": {"app": ["@ALL", "site-1"]},
        "allall": {"app": ["@ALL", "@all"]},
        "all_lower": {"app": ["@all"]},
        "noserver": {"app": ["site-1"]},
        "Server": {"app": ["Server", "site-1"]},
        "dup": {"app": ["server", "site-1", "site-1"]},
        "dup2": {"app": ["server", "site-1", "site-2", "site-1", "site-2", "server"]},
        "group": {"app": [{"sites": ["server", "site-1"]}]},
        "group_obj": {"app": {"sites": ["server"]}},
        "group_nosites": {"app": ["server", {"x": 1}]},
        "group_sites_null": {"app": ["server", {"sites": None}]},
        "group_sites_str": {"app": ["server", {"sites": "ab"}]},
        "group_sites_int": {"app": ["server", {"sites": [3]}]},
        "group_all": {"app": [{"sites": ["@ALL"]}]},
        "group_empty": {"app": [{}]},
        "server_only": {"app": ["server"]},
        "noapp": {"app2": ["@ALL"]},
        "twoapps": {"app": ["server"], "app2": ["site-1"]},
        "app_empty": {"": ["@ALL"]},
    }
    found = {name: definition(deploy_map=value) for name, value in maps.items()}
    alone = {"app": ["server"]}
    found["server_only_nomin"] = definition(deploy_map=alone, min_clients=LEAVE_OUT)
    found["server_only_min0"] = definition(deploy_map=alone, min_clients=0)
    return found


def _counts() -> dict[str, bytes]:
    values: dict[str, Any] = {
        "min0": 0,
        "minneg": -1,
        "minbig": 1000001,
        "minmax": 1000000,
        "minstr": "abc",
        "minstr2": "2",
        "minfloat": 1.5,
        "minlist": [1],
        "minnull": None,
        "minbool": True,
        "minfalse": False,
        "minempty": "",
        "mininf": float("inf"),
        "minnan": float("nan"),
        "mindict": {},
    }
    found = {f"m_{name}": definition(min_clients=value) for name, value in values.items()}
    pair = {"app": ["server", "site-1"]}
    found["minmany"] = definition(deploy_map=pair, min_clients=3)
    found["minmany_str"] = definition(deploy_map=pair, min_clients="3")
    return found


def _resources_and_mandatory() -> dict[str, bytes]:
    resources: dict[str, Any] = {
        "list": [1],
        "str": "x",
        "int": 5,
        "empty_list": [],
        "entry": {"site-1": 5},
        "entry_empty": {"site-1": 0},
        "entry_list": {"site-1": [1]},
        "good": {"site-1": {"gpu": 1}},
    }
    mandatory: dict[str, Any] = {
        "missing": ["site-9"],
        "int": 5,
        "ok": ["site-1"],
        "nested": [["a"]],
        "empty": [],
        "server": ["server"],
        "null": None,
        "obj": {"site-1": 1},
    }
    found = {f"r_{name}": definition(resource_spec=value) for name, value in resources.items()}
    for name, value in mandatory.items():
        found[f"d_{name}"] = definition(deploy_map={"app": ["server", "site-1"]}, mandatory_clients=value)
    found["dall_missing"] = definition(mandatory_clients=["site-9"])
    return found


def _layouts() -> dict[str, bytes]:
    legacy: Entries = [
        ("j/config/", ""),
        ("j/config/config_fed_server.json", "{}"),
        ("j/config/config_fed_client.json", "{}"),
    ]
    conf: Entries = [("j/app/config/config_fed_server.yml", "{}"), ("j/app/config/config_fed_client.conf", "{}")]
    default: Entries = [
        ("j/app/config/config_fed_server.json.default", "{}"),
        ("j/app/config/config_fed_client.yaml.default", "{}"),
    ]
    good = json.dumps(BASE)
    return {
        "ok": with_meta(BASE),
        "noserverconf": with_meta(BASE, [entry for entry in APP if "fed_server" not in entry[0]]),
        "noclientconf": with_meta(BASE, [entry for entry in APP if "fed_client" not in entry[0]]),
        "nodirentry": with_meta(BASE, [entry for entry in APP if not entry[0].endswith("/")]),
        "confyml": with_meta(BASE, APP[:2] + conf),
        "confdefault": with_meta(BASE, APP[:2] + default),
        "byoc": with_meta(BASE, [*APP, ("j/app/custom/", "")]),
        "byoc_noentry": with_meta(BASE, [*APP, ("j/app/custom/a.py", "")]),
        "wrongfolder": with_meta(BASE, [("other/x", "1")], "other/meta.json"),
        "nometa": zipped(APP),
        "nometa_legacy": zipped(legacy),
        "nometa_legacy_noclient": zipped(legacy[:2]),
        "emptyzip": zipped([]),
        "onlyfile": zipped([("readme", "x")]),
        "json_default": with_meta(BASE, name="j/meta.json.default"),
        "c_json": with_meta(good, name="j/meta.conf"),
        "c_empty": with_meta("", name="j/meta.conf"),
        "json_and_yml": zipped([("j/meta.yml", YAML), ("j/meta.json", good), *APP]),
        "emptyjson_and_yml": zipped([("j/meta.yml", YAML), ("j/meta.json", "{}"), *APP]),
        "folder_given": with_meta({**BASE, "job_folder_name": "other"}),
    }


def damaged(content: bytes, at: bytes, offset: int, value: int) -> bytes:
    """Bytes with one of them changed, so many after the first occurrence of a mark."""
    changed = bytearray(content)
    changed[changed.index(at) + offset] = value
    return bytes(changed)


def _broken() -> dict[str, bytes]:
    good = with_meta(BASE)
    deflated = zipped([("j/meta.json", json.dumps(BASE) + " " * 3000), *APP], zipfile.ZIP_DEFLATED)
    locked = damaged(damaged(good, b"PK\x01\x02", 8, 1), b"PK\x03\x04", 6, 1)
    unknown = damaged(damaged(good, b"PK\x01\x02", 10, 99), b"PK\x03\x04", 8, 99)
    return {
        "notzip": b"hello",
        "empty": b"",
        "badcrc": damaged(good, b'{"name"', 3, ord("m")),
        "deflated": deflated,
        "badzlib": damaged(deflated, b"PK\x03\x04", 30 + len("j/meta.json"), 0xFF),
        "truncated": good[: len(good) // 2],
        "encrypted": locked,
        "method99": unknown,
    }


UPLOADS: dict[str, bytes] = _texts() | _deploy_maps() | _counts() | _resources_and_mandatory() | _layouts() | _broken()
"""The uploads that the validators of 2.3.12, 2.4.2, 2.5.2 and 2.6.3 judged: ``official_verdicts.json``."""
