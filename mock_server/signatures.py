"""The check of a job's signatures that an official server makes when it deploys an application to itself.

Source: official 2.3.12-2.9.0. In each folder of the application, a signature file and the submitter's certificate
beside it are checked: the CA must have signed the certificate, and each signature that is there must fit. To 2.6,
folders and entries without signatures pass, and so do files that cannot be read; from 2.7 on they do not.
"""

from __future__ import annotations

import json
import logging
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from flare_client.protocol.releases import ReleaseProfile
from flare_client.protocol.signing import (
    CERTIFICATE_FILE,
    SIGNATURE_FILE,
    BadSignature,
    FolderVerifier,
    UnreadableSignatures,
    digest_of,
    name_digest,
)

_logger = logging.getLogger("mock_server")

SIGNATURE_FAILURE = "job signature verification failed"
"""What an official server writes into ``job_deploy_detail``."""

_BLOCK = 1024 * 1024
_MAX_SIGNATURE_FILE = 64 * 1024 * 1024


class _Tree:
    """The files and sub-folders of each folder of an archive, whether or not it has entries for folders."""

    def __init__(self, archive: zipfile.ZipFile, top: PurePosixPath) -> None:
        self.files: dict[PurePosixPath, dict[str, zipfile.ZipInfo]] = {top: {}}
        self.folders: dict[PurePosixPath, set[str]] = {top: set()}
        for info in archive.infolist():
            path = PurePosixPath(info.filename)
            if top not in path.parents:
                continue
            self._add_folder(path if info.is_dir() else path.parent)
            if not info.is_dir():
                self.files[path.parent][path.name] = info

    def _add_folder(self, path: PurePosixPath) -> None:
        """Add a folder, and those above it up to the top, which is there from the start."""
        if path not in self.files:
            self._add_folder(path.parent)
            self.files[path] = {}
            self.folders[path] = set()
            self.folders[path.parent].add(path.name)


def _blocks(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(info) as content:
        while block := content.read(_BLOCK):
            yield block


def _verifier(
    archive: zipfile.ZipFile, files: dict[str, zipfile.ZipInfo], *, skips_unreadable: bool
) -> FolderVerifier | None:
    signatures, certificate = files.get(SIGNATURE_FILE), files.get(CERTIFICATE_FILE)
    if signatures is None or certificate is None:
        return None
    for info in (signatures, certificate):
        if info.file_size > _MAX_SIGNATURE_FILE:
            raise BadSignature(f"expected at most {_MAX_SIGNATURE_FILE:,} bytes in {info.filename}")
    try:
        return FolderVerifier(archive.read(signatures), archive.read(certificate))
    except UnreadableSignatures as problem:
        if not skips_unreadable:
            raise BadSignature(str(problem)) from problem
        _logger.info("the signatures beside %s are skipped: %s", signatures.filename, problem)
        return None


def _check_complete(archive: zipfile.ZipFile, tree: _Tree) -> None:
    """Check that every file and folder has a signature that can be read.

    Raises:
        BadSignature: one has none.
    """
    for path, files in tree.files.items():
        try:
            signed = json.loads(archive.read(files[SIGNATURE_FILE]))
        except (KeyError, ValueError, RecursionError) as problem:
            raise BadSignature(f"expected signatures in {path}, but {problem!r}") from problem
        names = {name for name in files if name not in (SIGNATURE_FILE, CERTIFICATE_FILE)} | tree.folders[path]
        if not isinstance(signed, dict) or CERTIFICATE_FILE not in files or not all(signed.get(name) for name in names):
            raise BadSignature(f"expected the submitter's certificate and a signature of each entry in {path}")


def check_job_signatures(job_zip: Path, folder: str, ca_pem: bytes, profile: ReleaseProfile) -> str | None:
    """Check the signatures of one application of a job.

    Args:
        job_zip: the job definition as it was submitted.
        folder: the folder of the application in it, as ``my_job/app``.
        ca_pem: the certificate of the project's CA.
        profile: the release, which decides whether something may be unsigned.

    Returns:
        ``None`` if nothing speaks against it, otherwise the text for ``job_deploy_detail``.

    Raises:
        zipfile.BadZipFile: it is no zip.
        OSError: it cannot be read.
    """
    with zipfile.ZipFile(job_zip) as archive:
        top = PurePosixPath(folder)
        tree = _Tree(archive, top)
        if profile.unsigned_job_text is not None and SIGNATURE_FILE not in tree.files[top]:
            return profile.unsigned_job_text
        try:
            for path, files in tree.files.items():
                verifier = _verifier(archive, files, skips_unreadable=not profile.requires_job_signatures)
                if verifier is None:
                    continue
                verifier.check_issuer(ca_pem)
                for name, info in files.items():
                    if name not in (SIGNATURE_FILE, CERTIFICATE_FILE):
                        verifier.check(name, digest_of(_blocks(archive, info)))
                for name in tree.folders[path]:
                    verifier.check(name, name_digest(name))
            if profile.requires_job_signatures:
                _check_complete(archive, tree)
        except BadSignature as problem:
            _logger.info("%s of %s: %s", SIGNATURE_FAILURE, job_zip, problem)
            return SIGNATURE_FAILURE
    return None
