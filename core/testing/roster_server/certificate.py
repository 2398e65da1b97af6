"""TLS for tests: an authority made at start, and certificates of it that are right or wrong in one way (F074)."""

from __future__ import annotations

import datetime
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import trustme

Certificate = Literal["good", "expired", "wrong_host", "unknown_ca"]


@dataclass(frozen=True, slots=True)
class Tls:
    """The server's side, and the file with the authority that a client is told to trust."""

    context: ssl.SSLContext
    ca_file: Path


def make(kind: Certificate, folder: Path) -> Tls:
    """Make an authority and a certificate for 127.0.0.1 and localhost. The authority's file goes into the folder."""
    authority = trustme.CA()
    names = ("roster.invalid",) if kind == "wrong_host" else ("127.0.0.1", "localhost")
    then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1) if kind == "expired" else None
    certificate = authority.issue_cert(*names, not_after=then)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    trusted = trustme.CA() if kind == "unknown_ca" else authority
    path = folder / "authority.pem"
    trusted.cert_pem.write_to_path(str(path))
    return Tls(context, path)
