"""What of a server's answers may not stand in a recording, and what stands in its place.

A recording is handed around. Job ids get names, so that what belongs together can be told; tokens, keys, certificates
and paths are gone, and names of hosts, unless they are asked for. It is done to what a real server says and to what the
mock says alike, so that the two can be compared.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

from conformance.reports.redaction import without_secrets

_UUID = re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?(?:-----END CERTIFICATE-----|\Z)", re.DOTALL)
_PATH = re.compile(r"(?<![\w>./])(?:/[\w.@+-]+){2,}")
_LONG = re.compile(r"\b(?:[0-9a-fA-F]{40,}|[A-Za-z0-9+/]{80,}={0,2})")
"""Digests, signatures and keys in the forms that logs and configuration have them."""
_ADDRESS = r"(?!127\.|0\.0\.0\.0)\d{1,3}(?:\.\d{1,3}){3}"
"""An IPv4 address that says where a machine is."""
_ADDRESS_6 = re.compile(r"(?<![\w:.])[0-9a-fA-F:]{2,39}:[0-9a-fA-F:.]{1,39}(?![\w:])")
"""What may be an IPv6 address; times and ratios look like one."""
_JOB = re.compile(r"<job \d+>")

CERTIFICATE = "<certificate>"
UNKNOWN_ID = "<uuid>"
HOST = "<host>"
DIGEST = "<digest>"


def _without_address(found: re.Match[str]) -> str:
    try:
        address = ipaddress.IPv6Address(found[0])
    except ValueError:
        return found[0]
    return found[0] if address.is_loopback or address.is_unspecified else HOST


class Hiding:
    """Names for the jobs of one server, and marks for what is hidden.

    Args:
        hosts: names of hosts that are hidden, and with them every address; ``None`` to leave both in.
    """

    def __init__(self, hosts: Iterable[str] | None = None) -> None:
        names = [re.escape(name) for name in sorted({*(hosts or ())}, key=len, reverse=True) if name]
        hidden = "|".join([*names, _ADDRESS])
        pattern = rf"(?<![\w.-])(?:{hidden})(?![\w-]|\.\d)"
        self._hosts = re.compile(pattern, re.IGNORECASE) if hosts is not None else None
        self._names: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._known: re.Pattern[str] | None = None

    def name_of(self, job_id: str) -> str:
        """The name of a job; one that was not named before gets the next one."""
        name = self._names.get(job_id.lower())
        if name is None:
            name = f"<job {len(self._names) + 1}>"
            self._names[job_id.lower()] = name
            self._ids[name] = job_id
            # The longest first: a definition may give an id of a few letters.
            ids = sorted(self._names, key=len, reverse=True)
            self._known = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, ids))})(?![\w-])", re.IGNORECASE)
        return name

    def id_of(self, name: str) -> str:
        """The id of a job that was named.

        Raises:
            KeyError: none was named so.
        """
        return self._ids[name]

    def with_ids(self, value: Any) -> Any:
        """An argument with ids in the place of names.

        Raises:
            KeyError: a job was not named.
        """
        return _JOB.sub(lambda found: self.id_of(found[0]), value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        """A text that may stand in a recording; doing it twice changes nothing more."""
        if self._known is not None:
            text = self._known.sub(lambda found: self._names[found[0].lower()], text)
        text = _UUID.sub(UNKNOWN_ID, str(without_secrets(_CERTIFICATE.sub(CERTIFICATE, text))))
        if self._hosts is not None:
            text = self._hosts.sub(HOST, _ADDRESS_6.sub(_without_address, text))
        text = _PATH.sub(lambda found: f"<path>/{found[0].rpartition('/')[2]}", text)
        return _LONG.sub(DIGEST, text)

    def value(self, value: Any) -> Any:
        """Plain data that may stand in a recording."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self._item(str(key), item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(item) for item in value]
        return value

    def _item(self, key: str, item: Any) -> Any:
        if isinstance(item, (str, int, float)):
            # A secret is told by the name that it has.
            return self.value(without_secrets({key: item})[key])
        return self.value(item)
