"""What two servers may say differently without being different: rules as data, each with its reason.

Nothing is left out of a comparison but by a rule of this module. Rules by key look at what stands under a key of a dict
(also of the attributes of an object); rules by text look at every text; rules of order sort lists that have no order.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from conformance.lab.fidelity.peer import Seen

Member = TypeVar("Member")


@dataclasses.dataclass(frozen=True)
class KeyRule:
    """What stands under some keys becomes a word that still says its type.

    Attributes:
        word: what it becomes.
        reason: why it may differ.
        keys: the names of the keys.
        kept: values that stay as they are: they say that there is nothing.
    """

    word: str
    reason: str
    keys: frozenset[str]
    kept: tuple[Any, ...] = ("", "N/A", None)


@dataclasses.dataclass(frozen=True)
class TextRule:
    """What a pattern matches in a text becomes a word.

    Attributes:
        word: what it becomes; may name groups of the pattern.
        reason: why it may differ.
        pattern: what it is.
    """

    word: str
    reason: str
    pattern: re.Pattern[str]


@dataclasses.dataclass(frozen=True)
class OrderRule:
    """Lists are sorted that have no order.

    Attributes:
        reason: why their order means nothing.
        keys: the keys under which such lists stand.
        methods: the methods that return such lists.
        counts: whether it matters how often a member is there.
    """

    reason: str
    keys: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()
    counts: bool = True


KEY_RULES = (
    KeyRule(
        "time",
        "two runs are at different times",
        frozenset(
            {
                "submit_time",
                "submit_time_iso",
                "start_time",
                "last_schedule_time",
                "last_connect_time",
                "client_last_conn_time",
                "server_start_time",
                "time",
            }
        ),
    ),
    KeyRule("port", "ports are chosen anew each time", frozenset({"fl_port", "admin_port"})),
    KeyRule("signature", "made by keys that are drawn anew for each server", frozenset({"__token_signature__"})),
    KeyRule("duration", "a job takes as long as the machine needs", frozenset({"duration"})),
    KeyRule("count", "how often the scheduler looked is a matter of time", frozenset({"schedule_count"}), ()),
)

TEXT_RULES = (
    TextRule(
        "<id>",
        "ids and tokens are drawn anew each time; the ids of the jobs of a probe are named before this rule",
        re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"),
    ),
    TextRule(
        "<time>",
        "two runs are at different times",
        re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:[+-]\d\d:\d\d)?"),
    ),
    TextRule(
        "<time>",
        "likewise, in the words of time.asctime",
        re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}"),
    ),
    TextRule("<duration>", "a job takes as long as the machine needs", re.compile(r"\b\d+:\d\d:\d\d\.\d+\b")),
    TextRule("<took>", "as long as the machine needs", re.compile(r"\[\d+ usecs\]")),
    TextRule(
        r"<path>/\1",
        "folders lie elsewhere; the last part of a path counts",
        re.compile(r"(?<![\w.<>/])(?:/[\w.@+-]+)+/([\w.@+-]+)"),
    ),
    TextRule(
        "<address>",
        "ports are chosen anew each time",
        re.compile(r"\b(?:localhost|127\.0\.0\.1)(?::\d+)*\b(?: on \d+)?"),
    ),
    TextRule("'", "quotes follow the locale of the machine", re.compile("[\u2018\u2019]")),
    TextRule("<seconds>", "as long as the machine needs, or the time", re.compile(r"\b\d+\.\d{4,}(?:e-\d+)?\b")),
    TextRule(
        "Connecting to FLARE ...\n",
        "how often the client has to try is a matter of time",
        re.compile(r"(?:Connecting to FLARE \.\.\.\n)+"),
    ),
    TextRule("port=<port>", "likewise", re.compile(r"port='\d+'")),
)

ORDER_RULES = (
    OrderRule(
        "the server collects what its sites answer in the order in which they do",
        frozenset({"job_deploy_detail", "client_info", "clients", "client_status"}),
    ),
    OrderRule(
        "how often the scheduler looked is a matter of time; what it found is not",
        frozenset({"schedule_history"}),
        counts=False,
    ),
    OrderRule(
        "the client lists a folder in the order of the disk", methods=frozenset({"get_available_apps_to_upload"})
    ),
)

SITES_REASON = "sites are told in the order in which they registered or answered, which is chance"
"""Why members of lists, lines of texts and keys of dicts that name a site are sorted among themselves."""
_SITE = re.compile(r"site-[12]\b")
SET_REASON = "the order of what stands in a set differs with every start of a Python program"
"""Why the members of sets that a text shows are sorted."""
_SET = re.compile(r"\{('[^'{}]*'(?:, '[^'{}]*')+)\}")

CLONE_REASON = "a clone takes over its keys in an order that changes with every start of an official server"
"""Why the keys of a meta with ``cloned_from`` are sorted."""
_CLONE_KEY = "cloned_from"


class Normaliser:
    """Makes what came on one server comparable with what came on another.

    Args:
        names: what the ids of jobs are called.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = {job_id: f"<{name}>" for job_id, name in names.items()}

    def seen(self, one: Seen, method: str = "") -> Seen:
        """What came of a method, by the rules."""
        value = self.value(one.value)
        if isinstance(value, list):
            value = _ordered(value, lambda rule: method in rule.methods)
        given = tuple(self.value(item) for item in one.given)
        return Seen(value, one.raised, self.text(one.text), self.text(one.printed), given)

    def value(self, value: Any, key: str = "") -> Any:
        """A value, by the rules.

        Args:
            value: plain data.
            key: under which it stands.
        """
        for rule in KEY_RULES:
            if key in rule.keys and not isinstance(value, (dict, list)):
                is_done = isinstance(value, str) and value.startswith(f"<{rule.word}: ")
                return value if value in rule.kept or is_done else f"<{rule.word}: {type(value).__name__}>"
        if isinstance(value, dict):
            items = sorted(value.items()) if _CLONE_KEY in value else list(value.items())
            return {self.text(name): self.value(item, name) for name, item in _by_site(items, lambda one: one[0])}
        if isinstance(value, list):
            members = _by_site([self.value(item) for item in value], repr)
            return _ordered(members, lambda rule: key in rule.keys)
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        """A text, by the rules; one that is a JSON object as the object."""
        if text.startswith("{\n"):
            with contextlib.suppress(ValueError):
                return json.dumps(self.value(json.loads(text)), indent=4)
        return self._plain(text)

    def _plain(self, text: str) -> str:
        for job_id, name in self._names.items():
            for known in (job_id, job_id.upper()):
                if known[:_PART] in text:
                    text = text.replace(known, name)
                    for length in range(len(job_id), _PART - 1, -1):
                        text = text.replace(known[:length], f"{name}[:{length}]")
        for rule in TEXT_RULES:
            text = rule.pattern.sub(rule.word, text)
        text = _SET.sub(lambda match: f"{{{', '.join(sorted(match[1].split(', ')))}}}", text)
        return "\n".join(_by_site(text.split("\n"), str))


_PART = 8
"""So many characters of an id stand for it in texts."""


def _ordered(members: list[Any], holds: Callable[[OrderRule], bool]) -> list[Any]:
    for rule in ORDER_RULES:
        if holds(rule):
            members = sorted(members, key=repr)
            members = members if rule.counts else _each_once(members)
    return members


def _by_site(members: list[Member], text_of: Callable[[Member], str]) -> list[Member]:
    """Sort the members that name a site; the others keep their places."""
    places = [number for number, one in enumerate(members) if _SITE.search(text_of(one))]
    found = list(members)
    for place, one in zip(places, sorted((members[place] for place in places), key=text_of), strict=True):
        found[place] = one
    return found


def _each_once(members: list[Any]) -> list[Any]:
    return [one for number, one in enumerate(members) if one not in members[:number]]
