"""The studies of a server: which sites take part, by organisation, and who may work in them.

Owns the records. Knows neither sessions nor replies.

Source: official 2.8.3 and 2.9.0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from flare_client.protocol.formats import DEFAULT_STUDY


@dataclasses.dataclass
class Study:
    """One study.

    Attributes:
        site_orgs: the sites of each organisation, in the order in which they came.
        users: who may work in it, in that order too.
    """

    site_orgs: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    users: list[str] = dataclasses.field(default_factory=list)

    @property
    def sites(self) -> list[str]:
        """The sites of all organisations, by name."""
        return sorted({site for sites in self.site_orgs.values() for site in sites})


class Studies:
    """All studies of one server but ``default``, which is everybody's and has no record.

    Args:
        studies: those that are there from the start.
    """

    def __init__(self, studies: Mapping[str, Study] | None = None) -> None:
        self._studies = dict(studies or {})
        self.are_kept = bool(studies)
        """Whether there ever was one: a server without any has no list of them, and says so."""

    def __iter__(self) -> Iterator[tuple[str, Study]]:
        return iter(self._studies.items())

    def get(self, name: str) -> Study | None:
        """The study of that name, or ``None``."""
        return self._studies.get(name)

    def add(self, name: str) -> Study:
        """Begin a study without sites and users."""
        self.are_kept = True
        self._studies[name] = study = Study()
        return study

    def remove(self, name: str) -> None:
        """Forget a study.

        Raises:
            KeyError: there is no such study.
        """
        del self._studies[name]

    def standing(self) -> dict[str, Any]:
        """All of it as plain data, to be restored."""
        return {
            "are_kept": self.are_kept,
            "studies": [[name, study.site_orgs, study.users] for name, study in self._studies.items()],
        }

    @classmethod
    def restored(cls, standing: Mapping[str, Any]) -> Studies:
        """The studies of before."""
        found = cls({name: Study(site_orgs, users) for name, site_orgs, users in standing["studies"]})
        found.are_kept = standing["are_kept"]
        return found

    def sites_of(self, name: str) -> frozenset[str] | None:
        """The sites that take part in a study; ``None`` where that does not matter: ``default``, or no such study."""
        study = self._studies.get(name) if name != DEFAULT_STUDY else None
        return None if study is None else frozenset(study.sites)


def not_enrolled(sites: list[str], study: str) -> str:
    """The refusal of sites that take no part in a study."""
    if len(sites) == 1:
        return f"site '{sites[0]}' is not enrolled in study '{study}'"
    named = ", ".join(f"'{site}'" for site in sites)
    return f"sites {named} are not enrolled in study '{study}'"
