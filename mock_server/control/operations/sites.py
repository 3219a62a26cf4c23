"""Sites and admin sessions: who is there."""

from __future__ import annotations

from mock_server.context import ServerContext
from mock_server.control.models.sites import Expired, SessionView, SiteChange, SiteView
from mock_server.control.operations.asking import BAD, CONFLICT, MISSING, OfServer, operations_on, problems
from mock_server.control.problems import not_found
from mock_server.control.views import sessions_view, site_view

router = operations_on("sites and sessions")


@router.get("/sites", responses=problems(CONFLICT))
def list_sites(server: OfServer) -> list[SiteView]:
    """List the sites, connected or not."""

    def look(context: ServerContext) -> list[SiteView]:
        return [site_view(site, context.engine.is_disabled(site.name)) for site in context.engine.sites()]

    return server.call(look)


@router.patch("/sites/{name}", responses=problems(MISSING, CONFLICT, BAD))
def change_site(server: OfServer, name: str, body: SiteChange) -> SiteView:
    """Connect or disconnect a site, keep it out or let it in again; a disabled one connects once it is enabled."""
    try:
        if body.disabled is not None:
            server.set_site_disabled(name, body.disabled)
        if body.connected is not None:
            server.set_site_connected(name, body.connected)
        return server.call(lambda context: site_view(context.engine.site(name), context.engine.is_disabled(name)))
    except KeyError:
        raise not_found("site", name, [site.name for site in list_sites(server)][:20]) from None


@router.get("/sessions", responses=problems(CONFLICT))
def list_sessions(server: OfServer) -> list[SessionView]:
    """List the admin sessions, first opened, first."""
    return sessions_view(server)


@router.delete("/sessions", responses=problems(CONFLICT))
def expire_sessions(server: OfServer) -> Expired:
    """End every admin session, as if each had been idle for too long; from 2.7 on the clients are told."""
    expired = len(sessions_view(server))
    server.expire_sessions()
    return Expired(expired=expired)


@router.delete("/sessions/{number}", responses=problems(MISSING, CONFLICT, BAD))
def expire_session(server: OfServer, number: int) -> Expired:
    """End one admin session, likewise."""
    try:
        server.expire_session(number)
    except KeyError:
        raise not_found("session", number, [session.number for session in sessions_view(server)][:20]) from None
    return Expired(expired=1)
