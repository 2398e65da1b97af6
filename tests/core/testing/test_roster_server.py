"""The roster server without faults: what it makes of files, what it answers, and how it changes."""

from __future__ import annotations

import csv
import datetime
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from syncrun.errors import InputError
from syncrun.testing.clock import FixedClock
from syncrun.testing.roster_server import Asked, Faults, RosterServer, Rules

Serve = Callable[..., Any]
NOON = datetime.datetime(2026, 11, 20, 12, 0, tzinfo=datetime.UTC)


def write(folder: Path, **files: list[dict[str, str]]) -> Path:
    """CSV files from rows."""
    folder.mkdir(exist_ok=True)
    for name, rows in files.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(dict.fromkeys(column for row in rows for column in row)))
            writer.writeheader()
            writer.writerows(rows)
    return folder


def test_user_of_a_file_is_a_record_of_version_1_1(serve: Serve) -> None:
    call = serve()
    base = call.server.base_url("1.1")
    assert call("users/pupil-1").json() == {"user": {
        "sourcedId": "pupil-1", "status": "active", "dateLastModified": "2026-08-01T00:00:00.000Z",
        "enabledUser": "true", "username": "pupil-1", "givenName": "Ana", "familyName": "Berg", "role": "student",
        "orgs": [{"href": f"{base}/orgs/school", "sourcedId": "school", "type": "org"}],
        "agents": [{"href": f"{base}/users/parent", "sourcedId": "parent", "type": "user"}],
    }}  # fmt: skip


def test_the_same_user_is_a_record_of_version_1_2_on_the_same_server(serve: Serve) -> None:
    call = serve(version="1.2")
    base = call.server.base_url("1.2")
    school = {"href": f"{base}/orgs/school", "sourcedId": "school", "type": "org"}
    found = call("users/pupil-1").json()["user"]
    assert found["roles"] == [{"roleType": "primary", "role": "student", "org": school}]
    assert found["primaryOrg"] == school
    assert not {"role", "orgs"} & found.keys()
    assert base.endswith("/ims/oneroster/rostering/v1p2")


def test_files_of_version_1_2_are_served_in_both(serve: Serve, tmp_path: Path) -> None:
    folder = write(
        tmp_path / "new",
        users=[{"sourcedId": "u1", "enabledUser": "false", "givenName": "Ana", "familyName": "Berg", "userMasterIdentifier": "m1",
                "userIds": "{State:7},{Fed:a:b}", "preferredGivenName": "Nan", "primaryOrgSourcedId": "b",
                "metadata.bus": "12", "grades": '"01, special",02'}],
        roles=[{"userSourcedId": "u1", "roleType": "secondary", "role": "aide", "orgSourcedId": "a", "sourcedId": "r1"},
               {"userSourcedId": "u1", "roleType": "primary", "role": "siteAdministrator", "orgSourcedId": "b",
                "beginDate": "2026-08-01", "userProfileSourcedId": "p1", "sourcedId": "r2"}],
        userProfiles=[{"sourcedId": "p1", "userSourcedId": "u1", "profileType": "lms", "vendorId": "v",
                       "credentialType": "password", "username": "ana"}],
    )  # fmt: skip
    call = serve(folder, version="1.2")
    new = call("users/u1").json()["user"]
    assert [role["role"] for role in new["roles"]] == ["aide", "siteAdministrator"]
    assert new["roles"][1] | {"org": ""} == {"roleType": "primary", "role": "siteAdministrator", "org": "",
                                             "beginDate": "2026-08-01", "userProfile": "p1"}  # fmt: skip
    assert new["userProfiles"] == [{"profileId": "p1", "profileType": "lms", "vendorId": "v",
                                    "credentials": [{"type": "password", "username": "ana"}]}]  # fmt: skip
    assert new["userIds"] == [{"type": "State", "identifier": "7"}, {"type": "Fed", "identifier": "a:b"}]
    assert (new["preferredFirstName"], new["metadata"], new["grades"]) == ("Nan", {"bus": "12"}, ["01, special", "02"])
    call.version = "1.1"
    old = call("users/u1").json()["user"]
    assert (old["role"], [org["sourcedId"] for org in old["orgs"]]) == ("administrator", ["a", "b"])
    assert not {"roles", "primaryOrg", "userProfiles", "userMasterIdentifier"} & old.keys()


def test_archive_is_served_as_its_files_are(serve: Serve, small_files: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in small_files.iterdir():
            archive.write(path, f"export/{path.name.upper() if path.stem == 'users' else path.name}")
    loose, packed = serve(), serve(tmp_path / "set.zip")
    for word in ("orgs", "academicSessions", "courses", "classes", "users", "enrollments"):
        host = loose.server.root, packed.server.root
        assert packed(word).text == loose(word).text.replace(*host)
        assert loose.keys(word)


@pytest.mark.parametrize(
    ("content", "words"), [(None, "holds no OneRoster CSV"), (b"PK", "nor a zip archive"), (b"", "nor a zip archive")]
)
def test_what_is_no_roster_is_refused(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "set.zip"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        RosterServer.from_files(path)


def test_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "orgs.csv").write_bytes(b"sourcedId,name\n1,Gro\xdf\n")
    with pytest.raises(InputError, match=r"orgs\.csv is no CSV file in UTF-8"):
        RosterServer.from_files(tmp_path)


@pytest.mark.parametrize(
    ("path", "key", "expected"),
    [
        ("orgs", "orgs", ["district", "school"]),
        ("schools", "orgs", ["school"]),
        ("terms", "academicSessions", ["fall"]),
        ("gradingPeriods", "academicSessions", []),
        ("students", "users", ["pupil-1", "pupil-2"]),
        ("teachers", "users", ["teacher"]),
        ("demographics", "demographics", []),
        ("schools/school/classes", "classes", ["class"]),
        ("schools/school/courses", "courses", []),
        ("schools/district/courses", "courses", ["course"]),
        ("schools/school/enrollments", "enrollments", ["class-teacher", "class-pupil-1", "class-pupil-2"]),
        ("schools/school/students", "users", ["pupil-1", "pupil-2"]),
        ("schools/school/teachers", "users", ["teacher"]),
        ("schools/school/terms", "academicSessions", ["fall"]),
        (
            "schools/school/classes/class/enrollments",
            "enrollments",
            ["class-teacher", "class-pupil-1", "class-pupil-2"],
        ),
        ("schools/school/classes/class/students", "users", ["pupil-1", "pupil-2"]),
        ("schools/school/classes/class/teachers", "users", ["teacher"]),
        ("schools/district/classes/class/students", "users", []),
        ("classes/class/students", "users", ["pupil-1", "pupil-2"]),
        ("classes/class/teachers", "users", ["teacher"]),
        ("courses/course/classes", "classes", ["class"]),
        ("students/pupil-1/classes", "classes", ["class"]),
        ("users/parent/classes", "classes", []),
        ("terms/fall/classes", "classes", ["class"]),
        ("terms/fall/gradingPeriods", "academicSessions", []),
        ("schools/nowhere/classes", "classes", []),
    ],
)
@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_each_path_has_its_records_under_its_key(
    serve: Serve, path: str, key: str, expected: list[str], version: str
) -> None:
    answer = serve(version=version)(path)
    assert (answer.status_code, list(answer.json())) == (200, [key])
    assert [each["sourcedId"] for each in answer.json()[key]] == expected


@pytest.mark.parametrize(
    ("path", "key"),
    [("schools/school", "org"), ("terms/fall", "academicSession"), ("classes/class", "class"), ("students/pupil-1", "user"),
     ("enrollments/class-teacher", "enrollment"), ("courses/course", "course")],
)  # fmt: skip
def test_one_record_has_the_singular_key(serve: Serve, path: str, key: str) -> None:
    assert serve()(path).json()[key]["sourcedId"] == path.rpartition("/")[2]


@pytest.mark.parametrize(
    "path", ["schools/district", "teachers/pupil-1", "users/nobody", "categories", "classes/class/enrollments"]
)
def test_what_is_not_there_is_404_in_the_form_of_the_version(serve: Serve, path: str) -> None:
    call = serve()
    old = call(path)
    assert (old.status_code, old.json()["statusInfoSet"][0]["imsx_codeMinor"]) == (404, "unknown object")
    call.version = "1.2"
    new = call(path)
    assert new.json()["imsx_CodeMinor"]["imsx_codeMinorField"][0]["imsx_codeMinorFieldValue"] == "unknownobject"


def test_list_below_nothing_is_404_where_the_rules_say_so(serve: Serve) -> None:
    call = serve(rules=Rules(unknown_parent="missing"))
    assert call("schools/nowhere/classes").status_code == 404
    assert call("terms/fall/gradingPeriods").status_code == 200


def test_ids_of_any_letters_are_found(serve: Serve) -> None:
    call = serve()
    key = "5678|T5678/é ?&%"
    call.server.put("orgs", {"sourcedId": key, "name": "Oak", "type": "school", "parent": "district"})
    href = next(each for each in call("orgs").json()["orgs"] if each["sourcedId"] == key)
    assert href["parent"]["href"] == f"{call.server.base_url('1.1')}/orgs/district"
    call.server.put("courses", {"sourcedId": "c", "title": "Art", "org": key})
    found = call.session.get(call("courses/c").json()["course"]["org"]["href"], timeout=5)
    assert found.json()["org"]["sourcedId"] == key


# -- pages -----------------------------------------------------------------------------------------------------------


def test_pages_have_counts_and_links(serve: Serve) -> None:
    call = serve()
    first = call("users", limit=3)
    assert (first.headers["X-Total-Count"], first.headers["X-Count"], first.headers["x-perm-rev"]) == ("4", "3", "1000")
    assert set(first.links) == {"first", "last", "next"}
    last = call.session.get(first.links["next"]["url"], timeout=5)
    assert (last.headers["X-Count"], set(last.links)) == ("1", {"first", "last", "prev"})
    assert [each["sourcedId"] for answer in (first, last) for each in answer.json()["users"]] == [
        "teacher", "pupil-1", "pupil-2", "parent",
    ]  # fmt: skip
    assert call.keys("users", offset=4) == []


def test_limit_is_100_unless_given_and_never_more_than_the_most(serve: Serve) -> None:
    call = serve(rules=Rules(most=150))
    call.server.edit(
        lambda roster: [roster.put("orgs", {"sourcedId": f"o{n}", "name": "O", "type": "school"}) for n in range(200)]
    )
    assert [len(call.keys("orgs", **given)) for given in ({}, {"limit": 120}, {"limit": 5000})] == [100, 120, 150]
    strict = serve(rules=Rules(most=150, over="refuse"))
    assert (strict("orgs", limit=151).status_code, strict("orgs", limit=150).status_code) == (400, 200)


@pytest.mark.parametrize("given", [{"limit": 0}, {"limit": "many"}, {"offset": -1}, {"limit": ""}, {"filter": "status=active"},
                                   {"filter": "status='a' XOR status='b'"}])  # fmt: skip
def test_parameters_that_make_no_sense_are_400(serve: Serve, given: dict[str, Any]) -> None:
    answer = serve()("users", **given)
    assert (answer.status_code, answer.json()["statusInfoSet"][0]["imsx_codeMinor"]) == (400, "invalid data")


@pytest.mark.parametrize(
    ("given", "minor"),
    [({"filter": "shoeSize='44'"}, "invalid_filter_field"), ({"sort": "shoeSize"}, "invalid_sort_field"),
     ({"fields": "shoeSize"}, "invalid_selection_field"), ({"fields": ""}, "invalid_selection_field"),
     ({"filter": "roles.role='student'"}, "invalid_filter_field")],
)  # fmt: skip
def test_unknown_fields_are_400_each_with_its_word(serve: Serve, given: dict[str, str], minor: str) -> None:
    answer = serve()("users", **given)
    assert (answer.status_code, answer.json()["statusInfoSet"][0]["imsx_codeMinor"]) == (400, minor)


def test_order_is_that_of_the_files_unless_asked_for(serve: Serve) -> None:
    call = serve()
    assert call.keys("users") == ["teacher", "pupil-1", "pupil-2", "parent"]
    assert call.keys("users", sort="sourcedId", orderBy="asc") == ["parent", "pupil-1", "pupil-2", "teacher"]
    assert call.keys("users", sort="sourcedId", orderBy="desc") == ["teacher", "pupil-2", "pupil-1", "parent"]
    assert call.keys("users", sort="sourcedId", orderBy="upwards") == ["parent", "pupil-1", "pupil-2", "teacher"]
    assert call.keys("enrollments", sort="user.sourcedId") == ["class-pupil-1", "class-pupil-2", "class-teacher"]


def test_fields_are_all_that_is_sent(serve: Serve) -> None:
    call = serve()
    assert call("users", fields="sourcedId,role", limit=1).json() == {
        "users": [{"sourcedId": "teacher", "role": "teacher"}]
    }
    assert call("users/parent", fields="role").json() == {"user": {"role": "parent"}}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("role='student'", ["pupil-1", "pupil-2"]),
        ("role = 'student'", ["pupil-1", "pupil-2"]),
        ("role!='student'", ["teacher", "parent"]),
        ("sourcedId>'pupil-1'", ["teacher", "pupil-2"]),
        ("sourcedId>='pupil-1'", ["teacher", "pupil-1", "pupil-2"]),
        ("sourcedId<'pupil-1'", ["parent"]),
        ("sourcedId<='pupil-1'", ["pupil-1", "parent"]),
        ("username~'pil'", ["pupil-1", "pupil-2"]),
        ("role='student' AND sourcedId>'pupil-1'", ["pupil-2"]),
        ("role='parent' OR role='teacher'", ["teacher", "parent"]),
        ("role='student' AND sourcedId='pupil-1' OR role='parent'", ["pupil-1", "parent"]),
        ("orgs.sourcedId='school'", ["teacher", "pupil-1", "pupil-2", "parent"]),
        ("agents.sourcedId='parent'", ["pupil-1"]),
        ("familyName='O''Neill'", ["parent"]),
        ("grades='01,02'", ["pupil-1"]),
        ("grades='01'", ["pupil-2"]),
        ("grades!='01'", ["teacher", "pupil-1", "parent"]),
        ("grades~'01'", ["pupil-1", "pupil-2"]),
        ("metadata.bus='12'", ["teacher"]),
        ("dateLastModified>='2026-11-20T12:00:00.000Z'", ["teacher", "pupil-1", "pupil-2", "parent"]),
        ("dateLastModified>'2026-11-20T12:00:00Z'", []),
        ("dateLastModified>='2026-11-20'", ["teacher", "pupil-1", "pupil-2", "parent"]),
        ("dateLastModified>='2026-11-20T13:00:00+01:00'", ["teacher", "pupil-1", "pupil-2", "parent"]),
        ("dateLastModified>='2026-11-21'", []),
    ],
)
def test_filters(serve: Serve, told: str, expected: list[str]) -> None:
    call = serve(clock=FixedClock(NOON))
    changes: dict[str, dict[str, Any]] = {
        "teacher": {"metadata": {"bus": "12"}}, "pupil-1": {"grades": ["01", "02"]}, "pupil-2": {"grades": ["01"]},
        "parent": {"familyName": "O'Neill"},
    }  # fmt: skip
    for key, fields in changes.items():
        call.server.change("users", key, **fields)
    answer = call("users", filter=told)
    assert ([each["sourcedId"] for each in answer.json()["users"]], answer.headers["X-Total-Count"]) == (
        expected, str(len(expected)))  # fmt: skip


def test_parameter_with_a_blank_in_its_name_is_followed(serve: Serve) -> None:
    assert len(serve().keys("users", **{"limit ": 2})) == 2


# -- changes ---------------------------------------------------------------------------------------------------------


def test_changes_are_seen_dated_and_move_the_revision(serve: Serve) -> None:
    call = serve(clock=FixedClock(NOON))
    call.server.change("users", "pupil-1", givenName="Zoë")
    found = call("users/pupil-1").json()["user"]
    assert (found["givenName"], found["dateLastModified"]) == ("Zoë", "2026-11-20T12:00:00.000Z")
    assert call("users").headers["x-perm-rev"] == "1001"
    call.server.change("users", "pupil-1", dated=False, revise=False, givenName="Ana")
    found = call("users/pupil-1").json()["user"]
    assert (found["givenName"], call("users").headers["x-perm-rev"]) == ("Ana", "1001")
    call.server.remove("users", "pupil-2")
    call.server.put("users", {"sourcedId": "new", "role": "student", "orgs": ["school"]})
    assert call.keys("students") == ["pupil-1", "new"]
    assert call.keys("schools/school/students") == ["pupil-1", "new"]
    call.version = "1.2"
    assert call("users/pupil-1").json()["user"]["givenName"] == "Ana"
    with pytest.raises(KeyError):
        call.server.change("users", "nobody", givenName="Ana")


def test_record_is_left_as_it_is_given_when_told_so_and_may_come_twice(serve: Serve) -> None:
    call = serve()
    odd = {"sourcedId": "odd", "school": 7, "terms": None}
    call.server.put("classes", odd, exact=True)
    assert call("classes/odd").json() == {"class": odd}
    call.server.put("classes", {"sourcedId": "odd", "status": "tobedeleted"}, under="odd again")
    assert call.keys("classes") == ["class", "odd", "odd"]


def test_tombstones_are_listed_or_hidden_and_purged_after_a_time(serve: Serve) -> None:
    clock = FixedClock(NOON)
    call = serve(clock=clock, purge_after=datetime.timedelta(days=30))
    hiding = serve(rules=Rules(tombstones="hidden"))
    for each in (call, hiding):
        each.server.tombstone("users", "pupil-1")
    assert call("users/pupil-1").json()["user"]["status"] == "tobedeleted"
    assert call.keys("students") == ["pupil-1", "pupil-2"]
    assert hiding.keys("students") == ["pupil-2"]
    assert hiding.keys("students", filter="status='tobedeleted'") == ["pupil-1"]
    clock.move(days=31)
    assert call.keys("students") == ["pupil-2"]


def test_roster_may_change_while_it_is_paged(serve: Serve) -> None:
    call = serve()
    seen: list[Asked] = []

    def lose(asked: Asked) -> None:
        seen.append(asked)
        if asked.number == 2:
            call.server.remove("users", "teacher")

    call.server.before_page = lose
    assert call.all("users", 2) == ["teacher", "pupil-1", "parent"]  # offset paging lost pupil-2
    assert [(each.number, each.word, each.collection, each.version) for each in seen][:2] == [
        (1, "users", "users", "1.1"), (2, "users", "users", "1.1"),
    ]  # fmt: skip


def test_edit_is_seen_whole_or_not_at_all(serve: Serve) -> None:
    call = serve()
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            call.server.edit(
                lambda roster: (roster.remove("users", "parent"), roster.put("users", {"sourcedId": "parent"}))
            )

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        assert {call("users", limit=1).headers["X-Total-Count"] for _ in range(100)} == {"4"}
    finally:
        stop.set()
        thread.join()


def test_server_that_dies_answers_nobody(serve: Serve) -> None:
    call = serve()
    call.server.before_page = lambda asked: call.server.die() if asked.number == 2 else None
    assert call("users").status_code == 200
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            call("users")


def test_error_of_a_hook_is_raised_at_the_end(small_files: Path) -> None:
    def wrong(asked: Asked) -> None:
        raise ValueError("the test is wrong")

    def ask() -> None:
        with (
            RosterServer.from_files(small_files, access="none", before_page=wrong) as server,
            pytest.raises(requests.ConnectionError),
        ):
            requests.get(f"{server.base_url()}/users", timeout=5)

    with pytest.raises(ValueError, match="the test is wrong"):
        ask()


# -- its life --------------------------------------------------------------------------------------------------------


@pytest.mark.timeout(20)
def test_end_waits_for_all_threads_though_clients_keep_connections(small_files: Path) -> None:
    before = set(threading.enumerate())
    with requests.Session() as idle, requests.Session() as busy:
        with RosterServer.from_files(small_files, access="none") as server:
            idle.get(f"{server.base_url()}/users", timeout=5)
            server.faults = Faults(stall_after=5)
            with busy.get(f"{server.base_url()}/users", timeout=5, stream=True) as answer:
                assert answer.raw.read(5) == b'{"use'
            assert len(set(threading.enumerate()) - before) == 3
        assert set(threading.enumerate()) == before


def test_log_has_what_was_asked_and_no_secrets(serve: Serve) -> None:
    call = serve()
    call("users", limit=2)
    requests.get(f"{call.server.base_url()}/orgs", timeout=5)
    call("users/nobody")
    assert [(each.path.rpartition("/v1p1")[2], each.query, each.status, each.authorised, each.word) for each in call.server.log] == [
        ("/users", "limit=2", 200, True, "users"), ("/orgs", "", 401, False, "orgs"), ("/users/nobody", "", 404, True, "users"),
    ]  # fmt: skip
    figures = call.server.requests
    assert (figures.total, figures.answered, figures.unauthorised, figures.tokens) == (3, 1, 1, 0)


def test_prefix_stands_before_both_bases(serve: Serve) -> None:
    call = serve(prefix="/app-1")
    assert "/app-1/ims/oneroster/v1p1" in call.server.base_url("1.1")
    assert call("users/parent").json()["user"]["orgs"][0]["href"].startswith(call.server.base_url("1.1"))
    assert requests.get(f"{call.server.root}/ims/oneroster/v1p1/users", timeout=5).status_code == 401
    assert call.session.get(f"{call.server.root}/ims/oneroster/v1p1/users", timeout=5).status_code == 404


def test_records_without_files(serve: Serve) -> None:
    records = {"orgs": [{"sourcedId": "o", "name": "Oak", "type": "school"}],
               "users": [{"sourcedId": "u", "roles": [{"roleType": "primary", "role": "student", "org": "o"}]}]}  # fmt: skip
    with RosterServer.from_records(records, access="none") as server:
        found = requests.get(f"{server.base_url('1.1')}/users/u", timeout=5).json()["user"]
    assert (found["role"], found["status"], found["orgs"][0]["type"]) == ("student", "active", "org")


def test_only_reading_is_served(serve: Serve) -> None:
    call = serve()
    assert call.session.delete(f"{call.server.base_url()}/users/parent", timeout=5).status_code == 405
    assert call("users/parent").status_code == 200
