"""What can be asked of a server, a module a subject. Each operation is declared once, for serving and for OpenAPI."""

from __future__ import annotations

from fastapi import APIRouter

from mock_server.control.operations import clock, faults, jobs, kits, observation, server, sites

ROUTERS: tuple[APIRouter, ...] = (
    server.router,
    clock.router,
    jobs.router,
    sites.router,
    faults.router,
    observation.router,
    kits.router,
)
