"""The parts of a server, put together as it is set up."""

from __future__ import annotations

import socket
import ssl
import uuid
from collections.abc import Callable
from pathlib import Path

from flare_client.protocol.cellnet.kit import Security
from flare_client.protocol.cellnet.rules import CellRules
from flare_client.protocol.cellnet.server import ServerIdentity
from flare_client.protocol.commands import Right, commands_of
from mock_server.answers import Answer, Late
from mock_server.clock import Clock
from mock_server.context import Request, ServerContext, Staging
from mock_server.downloads import Downloads
from mock_server.endpoints.cellnet.endpoint import CellEndpoint
from mock_server.endpoints.cellnet.service import AdminService
from mock_server.endpoints.fl_port import FlPort
from mock_server.endpoints.hci.endpoint import HciEndpoint
from mock_server.faults.desk import FaultDesk
from mock_server.files import fresh_folder
from mock_server.jobs.engine import JobEngine
from mock_server.jobs.journal import STUDIES
from mock_server.jobs.outcomes import ServerRules, Witness
from mock_server.jobs.store import Job
from mock_server.pki import Pki
from mock_server.policy import Person, Policy
from mock_server.sessions import AdminSessions
from mock_server.settings import DEFAULT_ORG, Settings
from mock_server.signatures import check_job_signatures
from mock_server.sites import Site
from mock_server.studies import Studies
from mock_server.variation.pedant import Pedant

Endpoint = HciEndpoint | CellEndpoint
"""What listens: one dialect or the other."""


def build_context(
    settings: Settings,
    clock: Clock,
    run: Path,
    fl_port: int,
    *,
    witness: Witness,
    restart: Callable[[], None],
    shutdown: Callable[[], None],
) -> ServerContext:
    """Make the state of a server that has just started.

    Args:
        settings: what it is to be.
        clock: its time.
        run: the folder that it pretends to run in; definitions, results and uploads are below.
        fl_port: the port that sites are told to connect to.
        witness: is told all that happens.
        restart: asks for a restart.
        shutdown: asks for the end.
    """
    profile, scenario, policy, pki = settings.profile, settings.scenario, settings.policy, settings.pki
    folder, state, kept = run / "jobs", settings.state, None
    if state is None:
        fresh_folder(folder)
    else:
        kept = state.load(folder, clock.time)
    found = kept.facts.get(STUDIES) if kept is not None else None
    studies = scenario.first_studies() if found is None else Studies.restored(found)
    pedant = Pedant(settings.pedantry, profile) if settings.pedantry is not None else None
    engine = JobEngine(
        profile,
        clock,
        scenario,
        folder,
        scenario.sites_or([Site(name, DEFAULT_ORG) for name in settings.site_names]),
        new_id=pedant.job_ids(_uuid) if pedant is not None else _uuid,
        rules=ServerRules(
            verify_signature=_signature_check(settings),
            may_deploy_byoc=lambda job: _may_deploy(policy, job, settings.org),
            sites_of_study=studies.sites_of,
        ),
        witness=witness,
        journal=state,
        kept=kept,
    )
    tokens = pedant.session_tokens(_uuid) if pedant is not None else _uuid
    sessions = AdminSessions(clock, settings.idle_timeout, tokens)
    staging = Staging(uploads_of(run), new_id=pedant.transfer_ids(_uuid) if pedant is not None else _uuid)
    return ServerContext(
        profile=profile,
        commands=commands_of(profile),
        clock=clock,
        engine=engine,
        sessions=sessions,
        policy=policy,
        studies=studies,
        scenario=scenario,
        staging=staging,
        downloads=Downloads(staging, sessions, clock, profile.cell) if profile.cell is not None else None,
        org=settings.org,
        name=settings.name,
        workspace=run,
        fl_url=f"{settings.scheme.value if settings.scheme else 'grpc'}://{settings.name}:{fl_port}",
        secure=pki is not None,
        started=clock.time(),
        project=settings.project,
        site_policies=scenario.site_policies(),
        pedant=pedant,
        restart=restart,
        shutdown=shutdown,
    )


def build_endpoint(
    settings: Settings,
    context: ServerContext,
    faults: FaultDesk,
    answer: Callable[[Request], Answer | Late[Answer]],
    holder: socket.socket,
) -> Endpoint:
    """Make what listens.

    Args:
        settings: what the server is to be.
        context: its state.
        faults: what goes wrong.
        answer: answers a command.
        holder: holds the FL port.
    """
    uploads, pki = context.staging.root, settings.pki
    if settings.profile.cell is None or settings.scheme is None or context.downloads is None:
        endpoint = HciEndpoint(
            settings.profile,
            answer,
            uploads,
            pki.server_context if pki is not None else None,
            faults=faults,
            limits=settings.limits,
            stall_timeout=settings.stall_timeout,
            observer=settings.transcript,
        )
        if pki is not None:
            endpoint.fl_port = FlPort(holder, pki.new_server_context, settings.stall_timeout)
        return endpoint
    if pki is None:
        raise ValueError(f"expected certificates for a server of release {settings.profile}, which signs with them")
    service = AdminService(
        settings.profile.cell,
        _identity(settings.profile.official, pki, settings.profile.cell),
        answer,
        context.sessions,
        context.downloads,
        uploads,
        faults,
    )
    tls: ssl.SSLContext | None = None
    credentials: tuple[bytes | None, bytes, bytes] | None = None
    if settings.security is Security.MUTUAL_TLS:
        tls, credentials = pki.new_server_context(), (pki.ca_pem, pki.server_certificate_pem, pki.server_key_pem)
    elif settings.security is Security.TLS:
        tls, credentials = pki.one_way_context(), (None, pki.server_certificate_pem, pki.server_key_pem)
    return CellEndpoint(
        service,
        settings.scheme,
        tls,
        faults=faults,
        credentials=credentials,
        limits=settings.limits,
        stall_timeout=settings.stall_timeout,
        observer=settings.transcript,
    )


def _uuid() -> str:
    """The usual id of jobs, sessions and downloads."""
    return str(uuid.uuid4())


def uploads_of(run: Path) -> Path:
    """The folder for files that come and go, in the one that a server runs in."""
    return run / "uploads"


def _signature_check(settings: Settings) -> Callable[[Path, str], str | None] | None:
    if settings.pki is None:
        return None
    ca, profile = settings.pki.ca_pem, settings.profile
    return lambda path, folder: check_job_signatures(path, folder, ca, profile)


def _identity(official: str, pki: Pki, rules: CellRules) -> ServerIdentity:
    versions = {"federation_protocol_version": 1, "nvflare_version": official}
    return ServerIdentity(
        pki.project,
        pki.ca_pem,
        pki.server_certificate_pem,
        pki.server_key_pem,
        ssid=rules.ssid,
        versions=versions if rules.tells_versions else None,
    )


def _may_deploy(policy: Policy, job: Job, org: str) -> bool:
    submitter = Person(job.submitter.name, job.submitter.org, job.submitter.role)
    return policy.allows(Right.BYOC, submitter, site_org=org, submitter=submitter)
