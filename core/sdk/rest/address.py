"""Addresses that may be asked: safe ones, of the hosts a district names, and paths below their base."""

from __future__ import annotations

import ipaddress
import re
import urllib.parse
from collections.abc import Iterable, Mapping

from syncrun.errors import BadAddressError

UNSAFE = "unencrypted"
"""The word that allows `http://` to a host other than this machine: everybody on the way reads names and keys."""

Params = Mapping[str, object] | Iterable[tuple[str, object]]
_PATH = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@|/]|%[0-9A-Fa-f]{2})+")


def checked(url: str, *, insecure: str = "") -> urllib.parse.SplitResult:
    """An address from the settings, taken apart, without a `/` at its end.

    Raises `BadAddressError` where it is no http address, is not safe (`http://` to another machine, without the word
    `UNSAFE` in `insecure`), or holds a user, a query or a fragment. What is wrong with it is never quoted whole.
    """
    try:
        parts = urllib.parse.urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadAddressError("The address is not one of the web.") from None
    if parts.scheme not in {"https", "http"} or not host:
        raise BadAddressError("The address is not one of the web: it begins with https:// and names a host.")
    if parts.username is not None or parts.password is not None:
        raise BadAddressError(f"The address of {host} holds a user or a password; they have settings of their own.")
    if parts.query or parts.fragment:
        raise BadAddressError(f"The address of {host} holds a query (? or #); it must end with its path.")
    if parts.scheme == "http" and insecure != UNSAFE and not is_loopback(host):
        raise BadAddressError(f"The address of {host} begins with http://, which everybody on the way can read.",
                              next_step=f"Write https://. If the other side has none: insecure = {UNSAFE!r}.")  # fmt: skip
    if any(ord(each) <= 32 or ord(each) == 127 for each in url.strip()):
        raise BadAddressError(f"The address of {host} holds blanks or control characters.")
    netloc = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    return parts._replace(netloc=netloc, path=parts.path.rstrip("/"))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def segment(text: str) -> str:
    """A text, such as a `sourcedId`, as one segment of a path. Raises `BadAddressError` for the empty one and for `.`
    and `..`, which no escape keeps from leading elsewhere."""
    if text in {"", ".", ".."}:
        raise BadAddressError("An empty text, . or .. cannot be part of a path.")
    return urllib.parse.quote(text, safe="")


def below(base: urllib.parse.SplitResult, path: str) -> str:
    """The address of a path, already escaped, below a base. Raises `BadAddressError` where it would lead outside."""
    words = path.removeprefix("/").split("/")
    if not _PATH.fullmatch(path) or any(urllib.parse.unquote(word) in {"", ".", ".."} for word in words):
        raise BadAddressError(f"A path for {base.hostname} is not one below its base.")
    return f"{base.scheme}://{base.netloc}{base.path}/{'/'.join(words)}"


def query(params: Params) -> str:
    """Parameters as they go over the wire: everything but letters, digits and `-._~` is escaped, as RFC 3986 and
    OAuth 1 want it."""
    pairs = params.items() if isinstance(params, Mapping) else params
    return "&".join(f"{_escaped(name)}={_escaped(value)}" for name, value in pairs)


def _escaped(value: object) -> str:
    return urllib.parse.quote(str(value), safe="")
