"""OAuth 1.0a signatures, checked by the server side of `oauthlib`, which knows nothing of how our client signs."""

from __future__ import annotations

import threading
from collections.abc import Collection

from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint

from syncrun.clock import Clock, SystemClock
from syncrun.testing.roster_server.access import Denial, Knock, Open

METHODS = ("HMAC-SHA256", "HMAC-SHA1")


class OAuth1(Open):
    """A key and a secret. `tolerance` is how many seconds a timestamp may be off; a nonce serves once.

    Clients sign with the clock of the machine, so `clock` is that one unless a test wants it to be wrong.
    """

    def __init__(
        self,
        key: str,
        secret: str,
        *,
        methods: Collection[str] = METHODS,
        tolerance: float = 300,
        clock: Clock | None = None,
    ) -> None:
        self.key, self.secret, self.methods, self.tolerance = key, secret, methods, tolerance
        self.clock: Clock = clock or SystemClock()
        self._endpoint = SignatureOnlyEndpoint(_Validator(self))

    def denial(self, knock: Knock) -> Denial | None:
        """Who has not signed this very request, now, with the secret is kept out."""
        try:
            valid, _ = self._endpoint.validate_request(knock.url, knock.method, None, dict(knock.headers))
        except ValueError:  # what stands in the query or the header is not encoded as it must be
            valid = False
        return None if valid else Denial(401, "The signature is missing or wrong, or was used before.")


class _Validator(RequestValidator):  # type: ignore[misc] # oauthlib has no types
    """What oauthlib asks about keys, nonces and timestamps."""

    enforce_ssl = False
    dummy_client = "nobody"
    timestamp_lifetime = 10**12
    """oauthlib looks at the clock of the machine; `validate_timestamp_and_nonce` looks at ours."""

    def __init__(self, access: OAuth1) -> None:
        super().__init__()
        self._access = access
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], float] = {}

    @property
    def allowed_signature_methods(self) -> Collection[str]:
        return self._access.methods

    def check_client_key(self, client_key: str) -> bool:
        return bool(client_key)

    def check_nonce(self, nonce: str) -> bool:
        return bool(nonce)  # oauthlib wants 20 letters or more; RFC 5849 does not

    def get_client_secret(self, client_key: str, request: object) -> str:
        return self._access.secret  # whose key it is, `validate_client_key` looks at

    def validate_client_key(self, client_key: str, request: object) -> bool:
        return client_key == self._access.key

    def validate_timestamp_and_nonce(
        self, client_key: str, timestamp: str, nonce: str, request: object,
        request_token: str | None = None, access_token: str | None = None,
    ) -> bool:  # fmt: skip
        now = self._access.clock.now().timestamp()
        if abs(now - int(timestamp)) > self._access.tolerance:
            return False
        with self._lock:
            if len(self._seen) > 10_000:
                self._seen = {
                    each: when for each, when in self._seen.items() if now - when <= self._access.tolerance * 2
                }
            if (timestamp, nonce) in self._seen:
                return False
            self._seen[timestamp, nonce] = now
        return True
