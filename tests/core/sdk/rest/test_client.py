"""The client: what it refuses to ask, what it refuses to take, and how it waits."""

from __future__ import annotations

import datetime
import gzip
import json
import logging
import random
import socket
import ssl
import threading
import tracemalloc
import zlib

import pytest
from scripted import Asked, Reply, Scripted, Watch, client_for

from syncrun import errors
from syncrun.sdk.rest import Bearer, Client, Limits, segment

GOOD = Reply(body={"users": []})


@pytest.mark.parametrize("url", [
    "http://school.example/api", "ftp://school.example", "school.example/api", "https://", "https://u:canary@school.example/api",
    "https://school.example/api?key=canary", "https://school.example:port/api", "https://school.example/a b", "https://[::1", "file:///etc/passwd",
])  # fmt: skip
def test_address_that_must_not_be_asked_is_refused(url: str) -> None:
    with pytest.raises(errors.BadAddressError) as caught:
        Client(url, Bearer("t"))
    assert caught.value.exit_code == 2
    assert "canary" not in caught.value.message


def test_unencrypted_address_needs_this_machine_or_the_word() -> None:
    for url, word in (
        ("http://localhost:1/api", ""),
        ("http://127.0.0.1:1", ""),
        ("http://[::1]:1", ""),
        ("http://x.example/", "unencrypted"),
    ):
        assert Client(url, Bearer("t"), insecure=word).base.scheme == "http"
    with pytest.raises(errors.BadAddressError):
        Client("http://x.example/", Bearer("t"), insecure="yes")


@pytest.mark.parametrize(
    "path",
    [
        "/../admin",
        "/users/%2e%2e/x",
        "/users/..",
        "//other.example/x",
        "/users?x=1",
        "/a b",
        "https://other.example/",
        "/users/",
        "",
        "/a#b",
        "/%",
    ],
)
def test_path_that_leads_outside_is_refused(server: Scripted, watch: Watch, path: str) -> None:
    with pytest.raises(errors.BadAddressError):
        client_for(server, watch).get(path)
    assert server.asked == []


def test_segment_escapes_all_that_has_a_meaning() -> None:
    assert segment("a/b|c?d#e é%") == "a%2Fb%7Cc%3Fd%23e%20%C3%A9%25"
    for text in ("", ".", ".."):
        with pytest.raises(errors.BadAddressError):
            segment(text)


def test_requests_leave_for_the_hosts_of_the_settings_only(server: Scripted, watch: Watch) -> None:
    class Elsewhere(Bearer):
        def __call__(self, r):
            r.url = r.url.replace("127.0.0.1", "localhost")
            return super().__call__(r)

    server.answers["/api/users"] = [GOOD]
    with pytest.raises(errors.BadAddressError, match="none of those in the settings"):
        client_for(server, watch, Elsewhere("t")).get("/users")
    assert server.asked == []
    client_for(server, watch, Elsewhere("t"), hosts=["localhost"]).get("/users")


def test_redirect_is_not_followed_and_its_body_not_unpacked(server: Scripted, watch: Watch) -> None:
    other = Scripted()
    bomb = zlib.compress(bytes(64 << 20))
    headers = {"Location": f"http://localhost:{other.port}/x?key=canary", "Content-Encoding": "deflate"}
    server.answers["/api/users"] = [Reply(302, bomb, headers)]
    tracemalloc.start()
    with pytest.raises(errors.RedirectError, match=r"points to localhost \(302\)\.$"):
        client_for(server, watch).get("/users")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
    other.close()
    assert (len(server.asked), other.asked) == (1, [])


@pytest.mark.parametrize(("status", "cls", "exit_code"), [
    (400, errors.BadRequestError, 2), (401, errors.AuthError, 2), (403, errors.ForbiddenError, 2), (404, errors.NotFoundError, 2),
    (422, errors.BadRequestError, 2), (418, errors.BadRequestError, 2), (204, errors.AnswerError, 2),
])  # fmt: skip
def test_refusal_is_asked_for_once(server: Scripted, watch: Watch, status: int, cls: type, exit_code: int) -> None:
    body = {"imsx_codeMajor": "failure", "imsx_description": "canary", "imsx_CodeMinor": {"imsx_codeMinorField": [
        {"imsx_codeMinorFieldName": "TargetEndSystem", "imsx_codeMinorFieldValue": "invalid_filter_field"}]}}  # fmt: skip
    server.answers["/api/users"] = [Reply(status, b"" if status == 204 else body)]
    with pytest.raises(cls) as caught:
        client_for(server, watch).get("/users", {"filter": "familyName='canary'"})
    error = caught.value
    assert (len(server.asked), error.exit_code, watch.waits) == (1, exit_code, [])
    assert "GET 127.0.0.1/api/users" in error.message
    assert "canary" not in str(error.as_dict())
    if status in {400, 422}:
        assert error.words == ("invalid_filter_field",)
        assert error.status == status


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_trouble_is_tried_again_with_growing_waits(server: Scripted, watch: Watch, status: int) -> None:
    server.answers["/api/users"] = [Reply(status)]
    with pytest.raises(errors.ServerError) as caught:
        client_for(server, watch).get("/users")
    assert (caught.value.status, caught.value.exit_code, len(server.asked)) == (status, 75, 6)
    for wait, least in zip(watch.waits, (1, 2, 4, 8, 16), strict=True):
        assert least <= wait <= least + 1
    server.answers["/api/users"] = [Reply(status), Reply(status), GOOD]
    assert client_for(server, watch).get("/users").status == 200


def test_waits_have_a_ceiling(server: Scripted, watch: Watch) -> None:
    server.answers["/api/users"] = [Reply(500)]
    with pytest.raises(errors.ServerError):
        client_for(server, watch, limits=Limits(retries=9)).get("/users")
    assert watch.waits[-3:] == [32, 32, 32]


def test_retry_after_is_obeyed_in_both_forms(server: Scripted, watch: Watch) -> None:
    now = datetime.datetime(2026, 8, 1, tzinfo=datetime.UTC)
    server.answers["/api/users"] = [
        Reply(429, headers={"Retry-After": "7"}),
        Reply(429, headers={"Retry-After": "Sat, 01 Aug 2026 00:00:30 GMT"}),
        Reply(503, headers={"Retry-After": "3"}),
        GOOD,
    ]
    client_for(server, watch, now=lambda: now).get("/users")
    assert watch.waits == [7, 30, 3]


def test_waiting_as_told_is_no_failed_try(server: Scripted, watch: Watch) -> None:
    server.answers["/api/users"] = [*[Reply(429, headers={"Retry-After": "1"})] * 12, GOOD]
    client_for(server, watch).get("/users")
    assert len(server.asked) == 13


@pytest.mark.parametrize("asked", ["1000000000", "121", "9" * 400, "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_absurd_wait_ends_at_once(server: Scripted, watch: Watch, asked: str) -> None:
    server.answers["/api/users"] = [Reply(429, headers={"Retry-After": asked})]
    with pytest.raises(errors.RateLimitedError) as caught:
        client_for(server, watch).get("/users")
    assert (caught.value.exit_code, len(server.asked), watch.waits) == (75, 1, [])
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > 120


def test_too_many_requests_without_a_word_on_when_waits_longer_than_for_trouble(server: Scripted, watch: Watch) -> None:
    server.answers["/api/users"] = [Reply(429, headers={"Retry-After": "soon"})]
    with pytest.raises(errors.RateLimitedError):
        client_for(server, watch).get("/users")
    assert len(server.asked) == 9
    assert sum(watch.waits) > 60, "quotas are mostly of a minute"


def test_too_many_requests_are_not_counted_with_trouble(server: Scripted, watch: Watch) -> None:
    server.answers["/api/users"] = [*[Reply(429)] * 8, *[Reply(500)] * 5, GOOD]
    client_for(server, watch).get("/users")
    assert len(server.asked) == 14


def test_repeats_of_a_pull_are_bounded(server: Scripted, watch: Watch) -> None:
    server.answers["/api/users"] = [Reply(500)]
    client = client_for(server, watch)
    for _ in range(10):
        with pytest.raises(errors.ServerError):
            client.get("/users")
    assert len(server.asked) == 30, "20 repeats in all, and each of ten requests once"


def test_flaky_server_is_read_within_bounds(server: Scripted, watch: Watch) -> None:
    chance = random.Random(7)

    def answer(asked: Asked) -> Reply:
        drawn = chance.random()
        return Reply(429, headers={"Retry-After": "1"}) if drawn < 0.30 else Reply(502) if drawn < 0.35 else GOOD

    server.answers["/api/users"] = answer
    client = client_for(server, watch)
    for _ in range(300):
        client.get("/users")
    assert len(server.asked) / 300 < 1.65, "1 / (1 - 0.35) = 1.54 is what chance alone costs"


def test_time_of_a_pull_is_bounded(server: Scripted, watch: Watch) -> None:
    server.answers["/api/users"] = [GOOD]
    client = client_for(server, watch, limits=Limits(pull=100))
    client.get("/users")
    watch.time += 100
    with pytest.raises(errors.TransientError, match="longer than 100 s"):
        client.get("/users")
    assert len(server.asked) == 1


@pytest.mark.parametrize(("body", "cls"), [
    (b"<!doctype html><title>Log in", errors.NotJsonError), (b"", errors.NotJsonError), (b"  \n", errors.NotJsonError),
    (b"ok", errors.NotJsonError), (b"null", errors.NotJsonError), (b'"canary"', errors.NotJsonError),
    (b'{"users":[{"canary":NaN}]}', errors.BadJsonError), (b'{"users":Infinity}', errors.BadJsonError),
    (b"[" * 5000 + b"]" * 5000, errors.BadJsonError), (b'{"a":' + b"9" * 5000 + b"}", errors.BadJsonError),
    (b'{"canary":"\xff"}', errors.BadJsonError), (b'{"canary":"\\ud800"}', errors.BadJsonError), (b'{"a":1}x', errors.BadJsonError),
    (b'{"a":1,}', errors.BadJsonError), (b'\xef\xbb\xbf{"a":1}', errors.NotJsonError), (b'{"a":"\x00"}', errors.BadJsonError),
])  # fmt: skip
def test_body_that_is_no_good_json_is_refused_unseen(server: Scripted, watch: Watch, body: bytes, cls: type) -> None:
    server.answers["/api/users"] = [Reply(body=body)]
    with pytest.raises(cls) as caught:
        client_for(server, watch).get("/users")
    assert (caught.value.exit_code, len(server.asked)) == (2, 1)
    assert "canary" not in caught.value.message
    assert caught.value.__cause__ is None


def test_json_cut_anywhere_is_tried_again(server: Scripted, watch: Watch) -> None:
    whole = json.dumps(
        {"users": [{"givenName": "Zoë 😀", "n": 1.5, "x": True, "y": None}]}, ensure_ascii=False
    ).encode()
    for cut in range(1, len(whole)):
        server.answers["/api/users"] = [Reply(body=whole[:cut]), Reply(body=whole)]
        assert client_for(server, watch).get("/users").body == whole
    server.answers["/api/users"] = [Reply(body=whole[:9])]
    with pytest.raises(errors.CutAnswerError) as caught:
        client_for(server, watch).get("/users")
    assert caught.value.exit_code == 75


def test_body_shorter_than_its_length_is_tried_again(server: Scripted, watch: Watch) -> None:
    body = b'{"users":[]}'
    server.answers["/api/users"] = [
        Reply(body=body, length=len(body) + 1),
        Reply(body=body * 9, cut=len(body)),
        Reply(body=body),
    ]
    assert client_for(server, watch).get("/users").json == {"users": []}
    assert len(server.asked) == 3


def test_huge_length_takes_no_memory_and_no_time(server: Scripted, watch: Watch) -> None:
    server.answers["/api/users"] = [Reply(body=b'{"a":1}', length=10**12), GOOD]
    assert client_for(server, watch).get("/users").json == {"users": []}


def _bomb(size: int, encoding: str) -> bytes:
    plain = b'{"a":"' + b"x" * size
    return gzip.compress(plain) if encoding == "gzip" else zlib.compress(plain)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("status", [200, 500])
def test_bomb_is_refused_within_the_bound(server, watch, encoding, status, monkeypatch) -> None:
    server.answers["/api/users"] = [Reply(status, _bomb(200 << 20, encoding), {"Content-Encoding": encoding}), GOOD]
    client = client_for(server, watch, limits=Limits(unpacked=1 << 20))
    tracemalloc.start()
    if status == 200:
        with pytest.raises(errors.TooLargeError) as caught:
            client.get("/users")
        assert caught.value.exit_code == 2
    else:
        assert client.get("/users").json == {"users": []}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def test_bytes_on_the_wire_are_bounded_too(server: Scripted, watch: Watch) -> None:
    body = b'{"a":"' + b"x" * (2 << 20)
    server.answers["/api/users"] = [Reply(body=body)]
    with pytest.raises(errors.TooLargeError):
        client_for(server, watch, limits=Limits(packed=1 << 20)).get("/users")


def test_packed_answer_is_unpacked(server: Scripted, watch: Watch) -> None:
    server.answers["/api/users"] = [Reply(body=gzip.compress(b'{"users":[]}'), headers={"Content-Encoding": "gzip"}),
                                    Reply(body=b'{"a":1}', headers={"Content-Encoding": "gzip"}), GOOD]  # fmt: skip
    client = client_for(server, watch)
    assert client.get("/users").body == b'{"users":[]}'
    client.get("/users")
    assert len(server.asked) == 3, "what cannot be unpacked is tried again"


class Raw:
    """A socket that takes one request a connection and then does as it is told."""

    def __init__(self, act) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.act = act
        self.done = threading.Event()
        self.taken = 0
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.taken += 1
            with connection:
                try:
                    connection.recv(65536)
                    self.act(connection, self.done)
                except OSError:
                    pass

    def close(self) -> None:
        self.done.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


@pytest.fixture
def raw():
    made = []

    def make(act) -> Raw:
        made.append(Raw(act))
        return made[-1]

    yield make
    for each in made:
        each.close()


def raw_client(raw: Raw, watch: Watch, **limits) -> Client:
    from syncrun.sdk.rest import HostBudget

    return Client(
        f"http://127.0.0.1:{raw.port}/api",
        Bearer("t"),
        wait=watch.wait,
        budget=HostBudget(clock=watch),
        limits=Limits(**limits),
    )


def test_silence_in_the_middle_is_a_timeout(raw, watch: Watch) -> None:
    def stall(connection, done) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        done.wait(5)

    server = raw(stall)
    with pytest.raises(errors.TimedOutError) as caught:
        raw_client(server, watch, read=0.05, retries=0).get("/users")
    assert caught.value.exit_code == 75


@pytest.mark.parametrize("chunked", [False, True])
def test_dripping_answer_ends_at_its_deadline(raw, watch, chunked) -> None:
    def drip(connection, done) -> None:
        head = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 100000"
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n")
        while not done.wait(0.01):
            connection.sendall(b"1\r\n{\r\n" if chunked else b"{")

    with pytest.raises(errors.TimedOutError, match="still coming"):
        raw_client(raw(drip), watch, read=1, answer=0.1, retries=0).get("/users")


def test_chunks_without_an_end_are_an_answer_cut_off(raw, watch: Watch) -> None:
    def cut(connection, done) -> None:
        connection.sendall(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n{"users":[]}\r\n')

    with pytest.raises(errors.CutAnswerError):
        raw_client(raw(cut), watch, retries=0).get("/users")


def test_hanging_up_and_nonsense_are_tried_again(raw, watch: Watch) -> None:
    server = raw(lambda connection, done: None)
    with pytest.raises(errors.UnreachableError):
        raw_client(server, watch, retries=2).get("/users")
    assert server.taken == 3
    with pytest.raises(errors.TransientError):
        raw_client(raw(lambda connection, done: connection.sendall(b"SSH-2.0-x\r\n\r\n")), watch, retries=0).get(
            "/users"
        )


def test_refused_connection_is_for_later(watch: Watch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(errors.UnreachableError, match="refused") as caught:
        Client(f"http://127.0.0.1:{port}/api", Bearer("t"), wait=watch.wait).get("/users")
    assert (caught.value.exit_code, len(watch.waits)) == (75, 5)


def test_unknown_host_is_for_later_in_a_pull_and_wrong_in_a_check(watch: Watch, monkeypatch) -> None:
    looked_up = []

    def nobody(*args, **kwargs):
        looked_up.append(args[0])
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    client = Client("https://school.invalid/api", Bearer("t"), wait=watch.wait)
    with pytest.raises(errors.UnknownHostError) as later:
        client.get("/users")
    assert (later.value.exit_code, len(looked_up)) == (75, 1)
    with pytest.raises(errors.BadAddressError) as wrong:
        client.probe("/users")
    assert wrong.value.exit_code == 2


def test_probe_asks_once(server: Scripted, watch: Watch) -> None:
    server.answers["/api/orgs"] = [Reply(502), GOOD]
    client = client_for(server, watch)
    with pytest.raises(errors.ServerError):
        client.probe("/orgs", {"limit": 1})
    assert client.probe("/orgs", {"limit": 1}).json == {"users": []}
    assert [asked.target for asked in server.asked] == ["/api/orgs?limit=1"] * 2


def test_failure_within_a_good_status_is_an_error(server: Scripted, watch: Watch) -> None:
    def failing(minor: str) -> Reply:
        return Reply(body={"statusInfoSet": [{"imsx_codeMajor": "Failure", "imsx_codeMinor": minor}]})

    for minor, cls in (("forbidden", errors.ForbiddenError), ("unauthorized", errors.AuthError), ("server_busy", errors.ServerError),
                       ("unknown object", errors.NotFoundError), ("invalid data", errors.BadRequestError), ("canary", errors.BadRequestError)):  # fmt: skip
        server.answers["/api/users"] = [failing(minor)]
        with pytest.raises(cls) as caught:
            client_for(server, watch).get("/users")
        assert "canary" not in caught.value.message


def test_answer_shows_headers_in_any_case_and_the_servers_clock_but_not_itself(server: Scripted, watch: Watch) -> None:
    server.answers["/api/users"] = [
        Reply(body={"users": ["canary"]}, headers={"x-perm-REV": "7", "Date": "Sat, 01 Aug 2026 00:00:30 GMT"})
    ]
    answer = client_for(server, watch).get("/users")
    assert answer.headers["X-Perm-Rev"] == "7"
    assert answer.date == datetime.datetime(2026, 8, 1, 0, 0, 30, tzinfo=datetime.UTC)
    assert "canary" not in repr(answer)


def test_waiting_ends_when_told_to_stop(server: Scripted) -> None:
    from syncrun.sdk.rest import HostBudget

    server.answers["/api/users"] = [Reply(429, headers={"Retry-After": "100"})]
    stop = threading.Event()
    client = Client(f"{server.url}/api", Bearer("t"), budget=HostBudget())
    threading.Timer(0.05, stop.set).start()
    with pytest.raises(errors.TransientError, match="stopped"):
        client.get("/users", stop=stop)
    assert len(server.asked) == 1


def test_proxy_of_the_machine_is_not_asked_for_this_machine(server: Scripted, watch: Watch, monkeypatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server.answers["/api/users"] = [GOOD]
    assert client_for(server, watch).get("/users").status == 200


class Certificates:
    """A made-up authority and a server behind TLS with a certificate by it, or not."""

    def __init__(self, folder) -> None:
        self.folder = folder

    def make(self, name: str, *, days: int = 2) -> tuple[str, str]:
        """A self-signed certificate for a host name: the file with it and its key, and the file to trust it by."""
        import ipaddress

        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
        today = datetime.datetime.now(datetime.UTC)
        names = [x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)]
        made = (
            x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key())
            .serial_number(7).not_valid_before(today - datetime.timedelta(days=9))
            .not_valid_after(today + datetime.timedelta(days=days)).add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256())
        )  # fmt: skip
        public = made.public_bytes(serialization.Encoding.PEM)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        both, trust = self.folder / "both.pem", self.folder / "trust.pem"
        both.write_bytes(private + public)
        trust.write_bytes(public)
        return str(both), str(trust)


@pytest.mark.parametrize(("name", "days", "trusted", "cls"), [
    ("127.0.0.1", 2, True, None), ("127.0.0.1", 2, False, errors.CertificateError), ("127.0.0.1", -1, True, errors.CertificateError),
    ("other.example", 2, True, errors.CertificateError), ("plain", 0, True, errors.CertificateError),
])  # fmt: skip
def test_certificate_is_always_verified(server, watch, tmp_path, monkeypatch, name, days, trusted, cls) -> None:
    server.answers["/api/users"] = [GOOD]
    if name != "plain":
        both, trust = Certificates(tmp_path).make(name, days=days)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(both)
        server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
        if trusted:
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", trust)
    server.url = server.url.replace("http:", "https:")
    client = client_for(server, watch)
    if cls is None:
        assert client.get("/users").status == 200
        return
    with pytest.raises(cls) as caught:
        client.get("/users")
    assert (caught.value.exit_code, watch.waits, server.asked) == (2, [], [])


def test_no_log_tells_a_query(server: Scripted, watch: Watch, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    server.answers["/api/users"] = [Reply(500), GOOD]
    client_for(server, watch).get("/users", {"filter": "familyName='canary'"})
    assert "canary" not in caplog.text


# -- questions that are posted -----------------------------------------------------------------------------------------


def test_a_posted_question_is_json_and_tried_again_like_any_other(server: Scripted, watch: Watch) -> None:
    server.answers["/api/query"] = [Reply(503), Reply(body={"record": []})]
    answer = client_for(server, watch).post("/query", {"since": "1"}, {"page": 1})
    assert answer.json == {"record": []}
    assert len(watch.waits) == 1
    for asked in server.asked:
        assert (asked.method, asked.target, json.loads(asked.body)) == ("POST", "/api/query?page=1", {"since": "1"})
        assert asked.headers["Content-Type"] == "application/json"
        assert asked.headers["Authorization"] == "Bearer token-1"


def test_a_posted_probe_is_made_once(server: Scripted, watch: Watch) -> None:
    server.answers["/api/query"] = [Reply(503)]
    with pytest.raises(errors.ServerError):
        client_for(server, watch).probe("/query", body={})
    assert [(each.method, each.body) for each in server.asked] == [("POST", b"{}")]


def test_a_judge_speaks_before_the_general_rules(server: Scripted, watch: Watch) -> None:
    server.answers["/api/users"] = [Reply(400), GOOD]
    judged = []

    def judge(received: object, what: str) -> errors.SyncError | None:
        judged.append(what)
        return errors.TransientError(f"{what}: later.") if len(judged) == 1 else None

    assert client_for(server, watch, judge=judge).get("/users").json == {"users": []}
    assert judged == ["GET 127.0.0.1/api/users"] * 2


def test_who_wants_a_while_between_requests_gets_it_from_then_on(server: Scripted, watch: Watch) -> None:
    server.answers["/api/users"] = [Reply(429), GOOD]

    def judge(received: errors.SyncError, what: str) -> errors.SyncError | None:
        return errors.TooSoonError(f"{what}: wait.", interval=3.0) if received.status == 429 else None

    client = client_for(server, watch, judge=judge)
    for _ in range(3):
        client.get("/users")
    assert watch.waits == [3.0, 3.0, 3.0]
    assert client.budget.allowed == 1
