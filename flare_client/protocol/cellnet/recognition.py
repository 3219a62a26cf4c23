"""Which release a server is of: told from the admin token, whose claims grew from release to release.

Source: official 2.7.3, 2.8.3 and 2.9.0. The tables of commands of 2.8 and 2.9 are equal.
"""

from __future__ import annotations

from flare_client.protocol.cellnet.tokens import Claim, peek_claims
from flare_client.protocol.releases import PROFILES, Dialect, ReleaseProfile


def recognise_cell_release(token: str) -> ReleaseProfile:
    """Tell the release of a server from the token that it gave.

    Args:
        token: the admin token.

    Returns:
        The profile; for a token that cannot be read the latest of the dialect.
    """
    profiles = [profile for profile in PROFILES.values() if profile.dialect is Dialect.CELLNET]
    claims = peek_claims(token)
    if claims is None:
        return profiles[-1]
    has_study, has_end = Claim.STUDY in claims, Claim.CERTIFICATE_END in claims
    for profile in profiles:
        rules = profile.cell
        if rules is not None and (rules.token_has_study, rules.token_has_certificate_end) == (has_study, has_end):
            return profile
    return profiles[-1]
