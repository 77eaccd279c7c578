"""A certificate for 127.0.0.1, made at the start of a run and gone with it."""

from __future__ import annotations

import shutil
import subprocess
from importlib import import_module
from pathlib import Path

import msgspec

__all__ = ["Certificate", "make_certificate"]


class Certificate(msgspec.Struct, frozen=True):
    """Files in PEM form."""

    authority: Path
    """What a client has to trust."""
    chain: Path
    key: Path


def make_certificate(directory: Path) -> Certificate | None:
    """Make a certificate with trustme, else with openssl; None where neither is installed."""
    found = Certificate(directory / "authority.pem", directory / "chain.pem", directory / "key.pem")
    try:
        trustme = import_module("trustme")
    except ImportError:
        return found if _with_openssl(found) else None
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(found.authority))
    server.private_key_pem.write_to_path(str(found.key))
    found.chain.write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
    return found


def _with_openssl(certificate: Certificate) -> bool:
    """Make a certificate that is its own authority."""
    program = shutil.which("openssl")
    if program is None:
        return False
    words = (
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"),
        *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
        *("-keyout", str(certificate.key), "-out", str(certificate.chain)),
    )
    ended = subprocess.run([program, *words], capture_output=True, check=False)
    if ended.returncode == 0:
        shutil.copy(certificate.chain, certificate.authority)
    return ended.returncode == 0
