"""Probes of ends: of a session, of sites, of the server. The last of them leave nothing to ask."""

from __future__ import annotations

from conformance.lab.fidelity.probe import FEWER_SITES, NOBODY, Chapter, Kit, Probe, probe
from conformance.lab.fidelity.probes.plain import every_method
from flare_client.presence import FROM_24

_ADMIN = "admin@nvidia.com"


def _open(function: str, *args: object, **kwargs: object) -> Probe:
    return Probe(function, args, kwargs, user=NOBODY)


OPENING = Chapter(
    "opening",
    "a server is there; sessions are opened",
    (
        _open("new_secure_session", _ADMIN, Kit("admin"), timeout=20.0),
        _open("new_secure_session", "lead@nvidia.com", Kit("lead"), timeout=20.0),
        _open("new_secure_session", "lead@nvidia.com", Kit("admin"), timeout=2.0),
        _open("new_secure_session", "nobody@nowhere.org", Kit("admin"), timeout=2.0),
        _open("new_secure_session", "", Kit("admin"), timeout=2.0),
        _open("new_secure_session", None, Kit("admin")),
        _open("new_secure_session", 5, Kit("admin")),
        _open("new_secure_session", _ADMIN, None),
        _open("new_secure_session", _ADMIN, 5),
        _open("new_secure_session", _ADMIN, ""),
        _open("new_secure_session", _ADMIN, "/nowhere/at/all"),
        _open("new_secure_session", _ADMIN, "/"),
        _open("new_secure_session", _ADMIN, Kit("admin"), timeout=0),
        _open("new_secure_session", _ADMIN, Kit("admin"), timeout=-1),
        _open("new_secure_session", _ADMIN, Kit("admin"), timeout="x"),
        _open("new_secure_session"),
        _open("Session", _ADMIN, Kit("admin")),
        _open("Session", _ADMIN, Kit("admin"), True, False),
        _open("Session", None, Kit("admin")),
        _open("Session", _ADMIN),
        _open("Session"),
    ),
)

CLOSED = Chapter(
    "closed",
    "the session is closed; every method is called",
    (
        probe("close"),
        Probe("close", what="again"),
        *every_method("close"),
        Probe("close", what="at the end"),
    ),
    fresh=True,
)
"""``fresh``: what is closed cannot be used by the next chapter, nor should it have been used by one before."""


def _alone(name: str, what: str, *probes: Probe) -> Chapter:
    return Chapter(name, what, probes, alone=True)


ENDS = (
    _alone("removed", "a site's token is taken from it", probe("remove_client", "site-1")),
    _alone(
        "disabled",
        "a site is kept out and let in again",
        Probe("disable_client", ("site-2",), until=FEWER_SITES),
        Probe("disable_client", ("site-2",), what="again"),
        probe("get_connected_client_list"),
        probe("get_client_job_status"),
        probe("check_status", "client"),
        probe("check_status", "client", ["site-2"]),
        probe("report_version", "all"),
        probe("enable_client", "site-2"),
    ),
    _alone("a site restarts", "one site is restarted", probe("restart", "client", ["site-1"])),
    _alone("sites restart", "both sites are restarted", probe("restart", "client")),
    _alone("the server restarts", "the server is restarted", probe("restart", "server")),
    _alone("all restart", "server and sites are restarted", probe("restart", "all")),
    _alone(
        "sites go",
        "sites are shut down one after the other, then the server",
        probe("shutdown", "server"),
        Probe("shutdown", ("client", ["site-1"]), until=FEWER_SITES),
        Probe("get_connected_client_list", what="one is left"),
        probe("check_status", "client"),
        probe("check_status", "client", ["site-1"]),
        probe("get_client_env"),
        probe("get_client_job_status", ["site-1"]),
        probe("ls_target", "site-1"),
        Probe("shutdown", ("client",), until=FEWER_SITES),
        Probe("get_connected_client_list", what="none is left"),
        Probe("shutdown", ("client",), what="none is left"),
        Probe("restart", ("client",), what="none is left"),
        Probe("check_status", ("client",), what="none is left"),
        Probe("check_status", ("all",), what="none is left"),
        Probe("report_resources", ("all",), what="none is left"),
        Probe("report_version", ("all",), what="none is left"),
        Probe("get_client_env", what="none is left"),
        Probe("get_client_job_status", what="none is left"),
        Probe("get_working_directory", ("site-1",), what="none is left"),
        Probe("api.do_command", ("check_status client",), releases=FROM_24, what="none is left"),
        Probe("api.do_command", ("show_scopes all",), releases=FROM_24, what="none is left"),
        Probe("shutdown", ("server",), what="none is left"),
        Probe("close", releases=FROM_24),
        Probe("list_jobs", releases=FROM_24, what="closed after the end"),
    ),
    _alone("all go", "server and sites are shut down", probe("shutdown", "all")),
    _alone("the system stops", "the whole system is shut down", probe("shutdown_system")),
)
"""Each on a server of its own."""
