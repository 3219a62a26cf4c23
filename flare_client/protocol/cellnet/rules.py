"""What releases of the CellNet dialect do differently on the wire, as data that a ``ReleaseProfile`` refers to.

Source: official 2.7.3, 2.8.3 and 2.9.0.
"""

from __future__ import annotations

import dataclasses

from flare_client.protocol.cellnet.upload import UploadPrefix


@dataclasses.dataclass(frozen=True)
class CellRules:
    """One release line, as far as the wire can tell it from the others."""

    ssid: str | None
    """What every registered cell is told as the id of the server's session; ``None``: a new UUID a server."""
    tells_versions: bool
    """Whether the answer to a registration names the versions of protocol and server."""
    token_has_study: bool
    """Whether the admin token names the study."""
    token_has_certificate_end: bool
    """Whether the admin token says when the user's certificate ends."""
    expiry_text: str
    """What is pushed to a client whose session ends."""
    confirms_downloads: bool
    """Whether the end of a file is confirmed, and a download can be cancelled."""
    remembers_downloads: bool
    """Whether the server tells again that a file is at its end after the whole download is over."""
    downloads_hold_session: bool
    """Whether a download keeps its session alive, and ends with it."""
    checks_certificate_use: bool
    """Whether a login needs a certificate that is made for a user."""
    checks_certificate_dates: bool
    """Whether the server looks at the dates of the certificate that a login brings; TLS does in any case."""
    upload_prefix: str
    """How the fields of a piece of an upload begin; there is no negotiation, so a client must know the release."""


RULES_27 = CellRules(
    ssid=None,
    tells_versions=False,
    token_has_study=False,
    token_has_certificate_end=False,
    expiry_text="Your session is closed due to inactivity.",
    confirms_downloads=False,
    remembers_downloads=False,
    downloads_hold_session=False,
    checks_certificate_use=False,
    checks_certificate_dates=False,
    upload_prefix=UploadPrefix.R27,
)
RULES_28 = dataclasses.replace(
    RULES_27, ssid="NA", token_has_study=True, remembers_downloads=True, upload_prefix=UploadPrefix.FROM_28
)
RULES_29 = dataclasses.replace(
    RULES_28,
    tells_versions=True,
    token_has_certificate_end=True,
    expiry_text="Your session is closed due to inactivity or cert expiry.",
    confirms_downloads=True,
    downloads_hold_session=True,
    checks_certificate_use=True,
    checks_certificate_dates=True,
)
