"""What an admin's startup kit says in the CellNet dialect: ``fed_admin.json`` and the local resources, written.

Source: kits of official provisioning 2.7.3, 2.8.3 and 2.9.0.
"""

from __future__ import annotations

import json

from flare_client.protocol.kit import CA_CERT_FILE, CLIENT_CERT_FILE, CLIENT_KEY_FILE, TRANSFER_DIR

RESOURCES_FILE = "resources.json.default"
"""In the folder ``local``; its ``admin`` object is merged over that of ``fed_admin.json``."""


def render_admin_config(*, project: str, user: str, server_identity: str, scheme: str, host: str, port: int) -> str:
    """Write the content of a ``fed_admin.json``.

    Args:
        project: the name of the project, which the server compares.
        user: the user's name.
        server_identity: the name in the server's certificate.
        scheme: ``http``, ``tcp`` or ``grpc``.
        host: the name or IPv4 address that clients connect to.
        port: the port that they connect to.
    """
    admin = {
        "project_name": project,
        "username": user,
        "server_identity": server_identity,
        "scheme": scheme,
        "host": host,
        "port": port,
        "connection_security": "mtls",
        "uid_source": "user_input",
        "with_file_transfer": True,
        "upload_dir": TRANSFER_DIR,
        "download_dir": TRANSFER_DIR,
        "client_key": CLIENT_KEY_FILE,
        "client_cert": CLIENT_CERT_FILE,
        "ca_cert": CA_CERT_FILE,
    }
    return json.dumps({"format_version": 1, "admin": admin}, indent=2) + "\n"


def render_resources() -> str:
    """Write the content of ``RESOURCES_FILE``; times are in seconds."""
    admin = {
        "idle_timeout": 900.0,
        "login_timeout": 10.0,
        "with_debug": False,
        "authenticate_msg_timeout": 2.0,
        "prompt": "> ",
    }
    return json.dumps({"format_version": 1, "admin": admin}, indent=2) + "\n"
