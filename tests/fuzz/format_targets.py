"""Targets for what comes in files: startup kits, archives, signatures of folders."""

from __future__ import annotations

import io
import json
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from flare_client.archives import extract_archive
from flare_client.errors import UnsafeArchive
from flare_client.protocol.archive import ArchiveLimits, check_members
from flare_client.protocol.errors import RemoteProtocolError
from flare_client.protocol.kit import KitFormatError, parse_admin_config, render_admin_config
from flare_client.protocol.releases import PROFILES
from flare_client.protocol.signing import (
    BadSignature,
    FolderSigner,
    FolderVerifier,
    UnreadableSignatures,
    digest_of,
)
from tests.fuzz.project import PROJECT
from tests.fuzz.target import Choices, Target, require

LIMITS = ArchiveLimits(entries=20, total=1 << 20, ratio=50, free=1 << 16)

# --- startup kits ---------------------------------------------------------------------------------------------------


def _kits() -> Iterator[bytes]:
    for profile in PROFILES.values():
        for secure in (True, False):
            yield render_admin_config(profile, "localhost", 8002, 8003, secure).encode()
    agent = {
        "overseer_agent": {"name": "DummyOverseerAgent", "args": {"sp_end_point": "h:1:2", "heartbeat_interval": 6}}
    }
    admin = {"admin": {"upload_dir": "a", "download_dir": "b", **agent}}
    yield json.dumps(admin).encode()
    yield json.dumps(admin).replace("6", "9" * 400).encode()
    for depth in (200, 900, 985):
        yield json.dumps(admin).replace('"a"', "[" * depth + "]" * depth).encode()


def _kit(data: bytes) -> None:
    try:
        found = parse_admin_config(data.decode("utf-8", "replace"))
    except KitFormatError as problem:
        require(problem.official in ("ConfigError", "TypeError", "ValueError"), "a fault has an official name", problem)
        return
    require(0 < found.fl_port < 65536 and 0 < found.admin_port < 65536, "ports are ports", found)
    require(found.host and found.upload_dir and found.download_dir, "no name is empty", found)
    names = (found.ca_cert, found.client_cert, found.client_key)
    require(all(name if found.with_ssl else name is None for name in names), "TLS has its files", found)


# --- archives -------------------------------------------------------------------------------------------------------


def _zip(*names: str, method: int = zipfile.ZIP_STORED, content: bytes = b"content") -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return target.getvalue()


def _zips() -> Iterator[bytes]:
    yield _zip("hello/meta.json", "hello/app/config.json", "hello/\u00fc\U0001f600")
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        yield _zip("a/b", "c", method=method, content=b"xyz" * 100)
    yield _zip("a/", "a/b/", "a/b/c")
    yield _zip("a", "a/b")
    yield _zip("a/b", "a")
    yield _zip("../x", "/y", "C:/z")
    yield _zip("bomb", method=zipfile.ZIP_DEFLATED, content=bytes(1 << 18))


def _archive(data: bytes) -> None:
    """What is on disk afterwards is what the rules allow; the folder beside the target stays empty."""
    with tempfile.TemporaryDirectory(prefix="fuzz") as name:
        top = Path(name)
        source, folder = top / "x.zip", top / "target" / "folder"
        source.write_bytes(data)
        folder.mkdir(parents=True)
        try:
            written = extract_archive(source, folder, LIMITS)
        except UnsafeArchive:
            written = None
        require(sorted(top.iterdir()) == [top / "target", source], "nothing is written elsewhere", list(top.iterdir()))
        require(list((top / "target").iterdir()) == [folder], "nothing is written beside the target")
        found = [path for path in folder.rglob("*") if not path.is_dir()]
        require(all(stat.S_ISREG(path.lstat().st_mode) for path in found), "only files are written", found)
        size = sum(path.stat().st_size for path in found)
        require(size <= LIMITS.allowance(len(data)), "an archive unfolds to what is allowed", size)
        if written is not None:
            require(sorted(written) == sorted(found), "each file is written once", written, found)


_KINDS = (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFCHR)


def _members() -> Iterator[bytes]:
    yield b"\x00\x00\x00a/b\n\x00\x01\x00c/\n\x00\x00\x08d"
    yield b"\x00\x00\x00a\n\x00\x00\x00./a"
    yield b"\x00\x00\x00a\n\x00\x00\x00a/b"
    yield b"\x00\x00\x00a\n\x00\x00\x00a/"
    for name in (b"/a", b"a/../../b", b"..", b"a\\b", b"C:/x", b"a\0b", b"."):
        yield b"\x00\x00\x00ok\n\x00\x00\x00" + name
    yield b"\x01\x00\x00/a\n\x00\x00\x00..\n\x00\x00\x00a\\b\n\x00\x00\x00C:x\n\x00\x03\x00l"


def _archive_rules(data: bytes) -> None:
    """The same rules, without a zip around the members: flags, kind, size and name, a line each."""
    infos = []
    for line in data.split(b"\n"):
        choices = Choices(line)
        flags, kind, size = choices.byte(), _KINDS[choices.below(len(_KINDS))], choices.byte() << 12
        info = zipfile.ZipInfo()
        info.filename = choices.rest().decode("utf-8", "replace")
        info.flag_bits, info.external_attr, info.file_size = flags, kind << 16, size
        infos.append(info)
    try:
        members = check_members(infos, len(data), LIMITS)
    except RemoteProtocolError:
        return
    files = {member.path for member in members if not member.is_folder}
    require(len(files) == sum(not member.is_folder for member in members), "each file comes once", members)
    require(sum(member.info.file_size for member in members if not member.is_folder) <= LIMITS.total, "bounded")
    for member in members:
        parts = PurePosixPath("/top", member.path).parts
        require(parts[:2] == ("/", "top") and len(parts) > 2 and ".." not in parts, "below the target", member)
        require(not files.intersection(member.path.parents), "no member lies below a file", member)
        require(not member.is_folder or member.path not in files, "no folder has the name of a file", member)


# --- signatures -----------------------------------------------------------------------------------------------------

_CONTENT = b"the content of a file"
_SIGNED = FolderSigner(PROJECT.user_key).sign({"file": digest_of([_CONTENT])})


def der(certificate_pem: bytes) -> bytes:
    """A certificate as fuzzers can change it: in PEM nearly every change is one to base64."""
    return x509.load_pem_x509_certificate(certificate_pem).public_bytes(Encoding.DER)


def _signatures() -> Iterator[bytes]:
    plain = b'{"file": "AAAA", "x": ["x"], "y": 5}'
    for certificate in (PROJECT.user_pem, PROJECT.stranger_pem, PROJECT.ca_pem):
        yield b"\x00" + len(plain).to_bytes(2, "big") + plain + der(certificate)
        yield b"\x01" + len(plain).to_bytes(2, "big") + plain + certificate
        yield b"\x02" + der(certificate)


def _signature(data: bytes) -> None:
    choices = Choices(data)
    kind = choices.byte()
    signatures = _SIGNED if kind & 2 else choices.block(choices.below(1 << 16))
    rest = choices.rest()
    certificate = rest if kind & 1 else PROJECT.pem(rest)
    try:
        verifier = FolderVerifier(signatures, certificate)
    except UnreadableSignatures:
        return
    try:
        verifier.check_issuer(PROJECT.ca_pem)
        genuine = True
    except BadSignature:
        genuine = False
    for content in (_CONTENT, b"other"):
        try:
            verifier.check("file", digest_of([content]))
        except BadSignature:
            continue
        signed = b'"file"' in signatures and kind & 2
        require(not signed or content == _CONTENT, "a signature fits one content")
    own = {_signed_part(pem) for pem in (PROJECT.user_pem, PROJECT.server_pem, PROJECT.ca_pem)}
    require(not genuine or _signed_part(certificate) in own, "only the CA vouches", data)


def _signed_part(certificate_pem: bytes) -> bytes:
    return x509.load_pem_x509_certificate(certificate_pem).tbs_certificate_bytes


TARGETS = [
    Target("kit", "only KitFormatError; what a kit says can be used", _kit, _kits),
    Target("archive", "only UnsafeArchive; nothing beside the target, no links, no more than allowed", _archive, _zips),
    Target("archive_rules", "only RemoteProtocolError; every member has a place of its own", _archive_rules, _members),
    Target("signature", "only UnreadableSignatures and BadSignature; nothing forged passes", _signature, _signatures),
]
