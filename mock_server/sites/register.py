"""Which sites there are, which of them are connected, and which are kept out. Knows nothing of jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mock_server.sites.site import Site


class SiteRegister:
    """The sites of one server.

    Args:
        sites: the sites, connected at first as they say.
        now: seconds since the epoch.
    """

    def __init__(self, sites: Iterable[Site], now: float) -> None:
        self._sites = {site.name: site for site in sites}
        self._disabled: dict[str, bool] = {}
        """The sites that are kept out, and whether each would be connected otherwise."""
        for site in self._sites.values():
            site.since = now
            if site.disabled:
                self._disabled[site.name], site.connected = site.connected, False

    def __contains__(self, name: str) -> bool:
        return name in self._sites

    def all(self) -> list[Site]:
        """Every site, connected or not."""
        return list(self._sites.values())

    def connected(self) -> list[Site]:
        """The sites that are connected."""
        return [site for site in self._sites.values() if site.connected]

    def find(self, name: str) -> Site:
        """A site, connected or not.

        Raises:
            KeyError: there is no such site.
        """
        return self._sites[name]

    def connect(self, name: str, connected: bool, now: float) -> None:
        """Connect or disconnect a site; one that is disabled connects once it is enabled.

        Raises:
            KeyError: there is no such site.
        """
        site = self._sites[name]
        if name in self._disabled:
            self._disabled[name] = connected
            return
        if connected and not site.connected:
            site.since = now
        site.connected = connected

    def disable(self, name: str) -> tuple[bool, bool]:
        """Keep a site out from now on, whether or not there is one of that name.

        Returns:
            Whether it was kept out already, and whether it was connected.
        """
        site = self._sites.get(name)
        already, was_connected = name in self._disabled, site is not None and site.connected
        self._disabled.setdefault(name, was_connected)
        if site is not None:
            site.connected = False
        return already, was_connected

    def is_disabled(self, name: str) -> bool:
        """Whether a site is kept out."""
        return name in self._disabled

    def enable(self, name: str, now: float) -> bool:
        """Let a site in again; one that was connected when it was disabled is back at once.

        Returns:
            Whether it was kept out.
        """
        if name not in self._disabled:
            return False
        if self._disabled.pop(name) and name in self._sites:
            self.connect(name, True, now)
        return True

    def standing(self) -> dict[str, dict[str, bool]]:
        """Who is connected, and who is kept out, to be restored."""
        connected = {site.name: site.connected for site in self._sites.values()}
        return {"connected": connected, "disabled": dict(self._disabled)}

    def restore(self, standing: Mapping[str, Mapping[str, bool]]) -> None:
        """Be as before; a site that was not there before is as it says itself."""
        self._disabled.update(standing.get("disabled", {}))
        for name, connected in standing.get("connected", {}).items():
            if name in self._sites:
                self._sites[name].connected = connected

    def connect_again(self, now: float) -> None:
        """Have every site that is connected come back, as after a restart of the server."""
        for site in self.connected():
            site.since = now
