"""Pages: every record once, whatever the server's habits; and no proof where there is a doubt."""

from __future__ import annotations

import itertools
import threading

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted import Asked, Reply, Scripted, Watch, client_for
from shelf import Shelf, record

from syncrun import errors
from syncrun.sdk.rest import Limits, RecordPage, pages

IDS = [f"s{number:03}" for number in range(25)]


def pull(
    server: Scripted, watch: Watch, shelf, *, limit: int = 10, limits: Limits | None = None, **more
) -> list[RecordPage]:
    server.answers["/api/users"] = shelf
    more.setdefault("ahead", False)
    client = client_for(server, watch, limits=limits)
    try:
        return list(pages(client, "/users", key="users", limit=limit, **more))
    finally:
        client.close()


def ids_of(found: list[RecordPage]) -> list[str]:
    return [each["sourcedId"] for page in found for each in page.records]


def test_pages_tell_what_they_are(server: Scripted, watch: Watch) -> None:
    found = pull(server, watch, Shelf(IDS, extra={"x-perm-rev": "7"}))
    assert [(page.offset, page.count, page.total, page.last, page.proved, page.reason) for page in found] == [
        (0, 10, 25, False, False, ""), (10, 10, 25, False, False, ""), (20, 5, 25, True, True, ""),
    ]  # fmt: skip
    assert orjson.loads(found[0].body) == {"users": found[0].records}
    assert found[0].headers["X-Perm-Rev"] == "7"
    assert len({page.digest for page in found}) == 3
    assert "canary" not in repr(found)
    assert [asked.params for asked in server.asked][1] == {
        "limit": "10",
        "offset": "10",
        "sort": "sourcedId",
        "orderBy": "asc",
    }


def test_further_parameters_go_with_every_page(server: Scripted, watch: Watch) -> None:
    pull(server, watch, Shelf(IDS), params={"filter": "status='active'"})
    assert [asked.params["filter"] for asked in server.asked] == ["status='active'"] * 3


@pytest.mark.parametrize("ahead", [True, False])
@given(
    count=st.integers(0, 60), limit=st.integers(1, 30), clamp=st.none() | st.integers(1, 20), short=st.integers(0, 3),
    told=st.booleans(), name=st.sampled_from(["X-Count", "x-returned-count", None]), links=st.sampled_from(["none", "good", "always"]),
)  # fmt: skip
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_record_comes_once_whatever_the_pages(
    server, watch, ahead, count, limit, clamp, short, told, name, links
) -> None:
    def link(offset: int, size: int, whole: int) -> str | None:
        follows = links == "always" or (links == "good" and offset + max(1, size - short) < whole)
        return f'<http://inner.example/x?limit={size}&offset={offset + size}>; rel="next"' if follows else None

    ids = [f"s{number:03}" for number in range(count)]
    shelf = Shelf(ids, total=lambda n: n if told else None, clamp=clamp, short=short, count=name, link=link)
    found = pull(server, watch, shelf, limit=limit, ahead=ahead)
    assert ids_of(found) == ids
    assert [page.last for page in found] == [False] * (len(found) - 1) + [True]
    size = max(1, min(limit, clamp or limit) - short)
    assert found[-1].proved == (told or count == 1 or (count > 0 and size > 1)), (
        "without a total, pages of one cannot be seen to join"
    )


TURNS = itertools.count()
BROKEN = {
    "total lies, one more": Shelf(IDS, total=lambda n: n + 1),
    "total lies, one less": Shelf(IDS, total=lambda n: n - 1),
    "total lies, none": Shelf(IDS, total=lambda n: 0),
    "a page is skipped": Shelf(IDS, skip_page=2),
    "last page is skipped": Shelf(IDS, skip_page=3),
    "an empty page in the middle": Shelf(
        IDS, before=lambda shelf, turn: Reply(body={"users": []}) if turn == 2 else None
    ),
    "total moves": Shelf(IDS, total=lambda n: n + next(TURNS) // 2),
    "unsorted and without a total": Shelf(IDS[::-1], sorts=False, total=lambda n: None),
    "nothing, and nobody says that it is all": Shelf([], total=lambda n: None),
    "one record twice": Shelf([*IDS[:13], *IDS[12:]]),
    "one record on two pages": Shelf([*IDS[:10], *IDS[9:]]),
}
REASONS = {
    "a page is skipped": "repeated",  # the page after it begins where the rows received end, which is before
    "total moves": "moved", "unsorted and without a total": "order", "nothing, and nobody says that it is all": "empty",
    "one record twice": "repeated", "one record on two pages": "repeated",
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_server_proves_nothing(server: Scripted, watch: Watch, fault: str) -> None:
    shelf = BROKEN[fault]
    shelf.turn = 0
    found = pull(server, watch, shelf)
    assert [page.proved for page in found] == [False] * len(found)
    assert found[-1].last
    assert found[-1].reason == REASONS.get(fault, "total")


@pytest.mark.parametrize("total", [None, -1, 10**12, "many", "25.0", "٢٥", "9" * 5000])
def test_total_that_is_none_is_a_hint_not_given(server: Scripted, watch: Watch, total: object) -> None:
    if total == "٢٥":
        total = "٢٥".encode().decode("latin-1")
    found = pull(server, watch, Shelf(IDS, total=lambda n: total))
    assert ids_of(found) == IDS
    assert (found[-1].total, found[-1].proved, found[-1].count) == (None, True, 0)


def test_empty_answer_after_full_pages_is_asked_for_again_where_no_total_checks_it(
    server: Scripted, watch: Watch
) -> None:
    once = Shelf(IDS, total=lambda n: None, before=lambda shelf, turn: Reply(body={"users": []}) if turn == 2 else None)
    assert ids_of(pull(server, watch, once)) == IDS


def test_nothing_where_the_server_says_so_is_proved(server: Scripted, watch: Watch) -> None:
    (page,) = pull(server, watch, Shelf([]))
    assert (page.count, page.last, page.proved, page.total) == (0, True, True, 0)


@pytest.mark.parametrize("change", ["insert", "remove", "both"])
def test_change_between_pages_is_noticed(server: Scripted, watch: Watch, change: str) -> None:
    def edit(shelf: Shelf, turn: int) -> None:
        if turn == 2:
            shelf.ids = [*(["a"] if change != "remove" else []), *shelf.ids[(change != "insert") :]]

    found = pull(server, watch, Shelf([*IDS], before=edit))
    if change == "both":  # the window slides by nothing: what was read is what was there, but for the two
        assert ids_of(found) == IDS
    else:
        assert (found[-1].proved, found[-1].reason) == (False, "moved")


@given(
    kind=st.sampled_from(["insert", "remove"]), places=st.lists(st.integers(0, 40), min_size=1, max_size=6), turn=st.integers(1, 4),
    sorts=st.booleans(), told=st.booleans(), limit=st.integers(3, 15),
)  # fmt: skip
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_proved_has_every_record_that_was_there_all_the_time(
    server, watch, kind, places, turn, sorts, told, limit
) -> None:
    def edit(shelf: Shelf, now: int) -> None:
        for place in places if now == turn else ():
            if kind == "insert":
                shelf.ids.insert(place % (len(shelf.ids) + 1), f"s{place:03}+{len(shelf.ids)}")
            elif shelf.ids:
                shelf.ids.pop(place % len(shelf.ids))

    shelf = Shelf([*IDS], sorts=sorts, total=lambda n: n if told else None, before=edit)
    try:
        found = pull(server, watch, shelf, limit=limit)
    except errors.PageLoopError:
        return
    assert all(orjson.loads(page.body)["users"] == page.records for page in found)
    if found[-1].proved:
        assert {*IDS} & {*shelf.ids} <= {*ids_of(found)}


def test_one_that_goes_while_another_comes_is_noticed_where_pages_are_joined(server: Scripted, watch: Watch) -> None:
    def edit(shelf: Shelf, turn: int) -> None:
        if turn == 2:
            shelf.ids = [*IDS[1:], "z"]

    assert pull(server, watch, Shelf([*IDS], before=edit))[-1].proved, "neither total nor order show it"
    found = pull(server, watch, Shelf([*IDS], before=edit), anchor=True)
    assert (found[-1].proved, found[-1].reason) == (False, "moved")
    found = pull(server, watch, Shelf([*IDS]), anchor=True)
    assert (ids_of(found), found[-1].proved) == (IDS, True)


def test_order_that_is_left_is_a_doubt(server: Scripted, watch: Watch) -> None:
    left = [*IDS[:15], *IDS[20:], *IDS[15:20]]
    found = pull(server, watch, Shelf(left, sorts=False))
    assert (found[-1].proved, found[-1].reason) == (False, "order")


@pytest.mark.parametrize("ids", [
    ["1", "2", "9", "10", "11", "100"], ["a", "B", "c", "D", "e"], ["7_1111", "711-12", "7_1113", "FY", "G333"], ["A", "B", "a", "b"],
])  # fmt: skip
def test_orders_of_many_databases_are_orders(server: Scripted, watch: Watch, ids: list[str]) -> None:
    found = pull(server, watch, Shelf(ids, sorts=False, total=lambda n: None), limit=2)
    assert (ids_of(found), found[-1].proved) == (ids, True)


def test_unsorted_pages_are_proved_by_a_total(server: Scripted, watch: Watch) -> None:
    found = pull(server, watch, Shelf(IDS[::-1], sorts=False))
    assert (ids_of(found), found[-1].proved) == (IDS[::-1], True)


@pytest.mark.parametrize("body", [{"codeMajor": "failure", "codeMinor": "invalid_sort_field"}, b"", {"error": "what?"}])
def test_sort_that_is_refused_is_left_out(server: Scripted, watch: Watch, body) -> None:
    shelf = Shelf(IDS)
    found = pull(server, watch, lambda asked: Reply(400, body) if "sort" in asked.params else shelf(asked))
    assert ids_of(found) == IDS
    assert found[-1].proved
    assert len(server.asked) == 4


def test_other_refusals_are_not_for_the_sort(server: Scripted, watch: Watch) -> None:
    with pytest.raises(errors.BadRequestError):
        pull(server, watch, lambda asked: Reply(400, {"codeMajor": "failure", "codeMinor": "invalid_filter_field"}))
    assert len(server.asked) == 1
    with pytest.raises(errors.BadRequestError):
        pull(server, watch, lambda asked: Reply(400))
    assert len(server.asked) == 3


def test_offset_that_is_ignored_is_a_loop(server: Scripted, watch: Watch) -> None:
    first = Shelf(IDS, total=lambda n: None)
    found = []
    server.answers["/api/users"] = lambda asked: first(Asked("GET", "/?limit=10&sort=sourcedId", {}, b""))
    with pytest.raises(errors.PageLoopError) as caught:
        found += pages(client_for(server, watch), "/users", key="users", limit=10)
    assert caught.value.exit_code == 2
    assert len(server.asked) == 4


def test_page_that_comes_again_later_is_a_loop(server: Scripted, watch: Watch) -> None:
    def turning(asked: Asked) -> Reply:
        return Reply(body={"users": [record(f"s{(int(asked.params['offset']) + each) % 30:03}") for each in range(10)]})

    with pytest.raises(errors.PageLoopError):
        pull(server, watch, turning, anchor=False)
    assert len(server.asked) == 4
    with pytest.raises(errors.PageLoopError):
        pull(server, watch, turning)


def test_pages_without_end_end(server: Scripted, watch: Watch) -> None:
    def endless(asked: Asked) -> Reply:
        return Reply(body={"users": [record(asked.params["offset"])]})

    with pytest.raises(errors.PageLoopError, match="no end after 7 pages"):
        pull(server, watch, endless, most=7)


@pytest.mark.parametrize(
    "target", ["", "?offset=0&limit=10", "https://127.0.0.1/api/users?offset=0", "?limit=10&offset=00"]
)
def test_next_link_to_itself_or_back_is_a_loop(server: Scripted, watch: Watch, target: str) -> None:
    def link(offset: int, limit: int, whole: int) -> str:
        return f"<{target or f'?offset={offset}&limit={limit}'}>; rel=next"

    with pytest.raises(errors.PageLoopError, match="leads back"):
        pull(server, watch, Shelf(IDS, link=link))


@pytest.mark.parametrize("target", [
    "http://inner.example:8080/x?offset={}&limit=10", "https://evil.example/users?offset={}", "/users?offset={}", "//other/?offset={}", "?offset={}",
])  # fmt: skip
def test_next_link_elsewhere_gives_no_more_than_its_query(server: Scripted, watch: Watch, target: str) -> None:
    found = pull(
        server,
        watch,
        Shelf(IDS, link=lambda offset, limit, whole: f'<{target.format(offset + limit)}>; title="x"; REL="next prev"'),
    )
    assert (ids_of(found), found[-1].proved) == (IDS, True)
    assert {asked.path for asked in server.asked} == {"/api/users"}


def test_pages_told_apart_by_a_token_are_followed(server: Scripted, watch: Watch) -> None:
    def by_token(asked: Asked) -> Reply:
        place = int(asked.params.get("after", "t 0")[2:])
        headers = (
            {"Link": f"<http://x.example/?after=t+{place + 10}&size=10>; rel=next"} if place + 10 < len(IDS) else {}
        )
        return Reply(
            body={"users": [record(each) for each in IDS[place : place + 10]]},
            headers={"X-Total-Count": "25", **headers},
        )

    found = pull(server, watch, by_token)
    assert (ids_of(found), found[-1].proved) == (IDS, True)
    assert server.asked[1].params == {"after": "t 10", "size": "10"}
    turns = itertools.count()
    with pytest.raises(errors.PageLoopError, match="link to the next page comes again"):
        pull(
            server,
            watch,
            lambda asked: Reply(body={"users": [record(str(next(turns)))]}, headers={"Link": "<?t=1>; rel=next"}),
        )


def test_page_whose_own_count_differs_is_tried_again(server: Scripted, watch: Watch) -> None:
    for name in ("x-count", "X-Returned-Count"):
        wrong = Reply(body={"users": [record("s000")]}, headers={name: "10"})
        shelf = Shelf(IDS, before=lambda shelf, turn, wrong=wrong: wrong if turn == 2 else None)
        found = pull(server, watch, shelf)
        assert (ids_of(found), found[-1].proved) == (IDS, True)
    with pytest.raises(errors.CutAnswerError, match="says 10 records and has 1"):
        pull(server, watch, lambda asked: wrong)


@pytest.mark.parametrize(("body", "deviation"), [
    ({"students": [record("a")]}, "envelope-path"), ({"data": [record("a")], "links": []}, "envelope-other"), ([record("a")], "envelope-bare"),
    ({"users": [record("a")], "other": []}, None),
])  # fmt: skip
def test_records_are_found_under_other_keys_and_it_is_told(server: Scripted, watch: Watch, body, deviation) -> None:
    server.answers["/api/students"] = [Reply(body=body, headers={"X-Total-Count": "1"})]
    (page,) = pages(client_for(server, watch), "/students", key="users")
    assert (ids_of([page]), page.deviations) == (["a"], (deviation,) if deviation else ())


@pytest.mark.parametrize("body", [
    {}, {"users": None}, {"users": {}}, {"users": "", "more": []}, {"user": record("a")}, {"a": [], "b": []}, {"users": ["a"]}, {"users": [[]]},
    {"statusInfoSet": [{"imsx_codeMajor": "success"}]}, {"users": [record("a"), None]},
])  # fmt: skip
def test_answer_without_a_list_of_records_is_never_none(server: Scripted, watch: Watch, body) -> None:
    with pytest.raises(errors.EnvelopeError) as caught:
        pull(server, watch, lambda asked: Reply(body=body))
    assert (caught.value.exit_code, len(server.asked)) == (2, 1)


def test_pages_too_heavy_are_asked_for_in_parts_and_slowly_whole_again(server: Scripted, watch: Watch) -> None:
    ids = [f"s{number:05}" for number in range(4000)]
    shelf = Shelf(ids)
    sizes = []

    def heavy(asked: Asked) -> Reply:
        sizes.append(int(asked.params["limit"]))
        light = len(sizes) > 12
        return shelf(asked) if sizes[-1] <= 125 or light else Reply(502)

    found = pull(server, watch, heavy, limit=500)
    assert (ids_of(found), found[-1].proved) == (ids, True)
    assert sizes[:5] == [500, 500, 250, 250, 125], "once again, then half"
    assert sizes[-1] > 125
    assert max(sizes[4:]) <= 500


def test_one_sign_of_a_heavy_page_among_too_many_requests_changes_no_size(server: Scripted, watch: Watch) -> None:
    ids = [f"s{number:05}" for number in range(400)]
    told = {1: Reply(429), 2: Reply(502), 3: Reply(429), 4: Reply(429)}
    shelf = Shelf(ids, before=lambda shelf, turn: told.get(turn))
    assert ids_of(pull(server, watch, shelf, limit=100)) == ids
    assert {asked.params["limit"] for asked in server.asked} == {"100"}


def test_smallest_page_is_tried_with_all_patience(server: Scripted, watch: Watch) -> None:
    with pytest.raises(errors.ServerError):
        pull(server, watch, lambda asked: Reply(504), limit=100)
    assert [int(asked.params["limit"]) for asked in server.asked] == [100, 100, *[50] * 6]


def test_page_over_the_bound_is_asked_for_in_parts(server: Scripted, watch: Watch) -> None:
    ids = [f"s{number:05}" for number in range(400)]
    found = pull(server, watch, Shelf(ids), limit=400, limits=Limits(unpacked=15_000))
    assert (ids_of(found), found[-1].proved) == (ids, True)
    assert all(len(page.body) <= 15_000 for page in found)


def test_other_trouble_changes_no_size(server: Scripted, watch: Watch) -> None:
    shelf = Shelf(IDS, before=lambda shelf, turn: Reply(500) if turn in {1, 2, 3} else None)
    pull(server, watch, shelf)
    assert {asked.params["limit"] for asked in server.asked} == {"10"}


def test_pull_goes_on_where_it_was_left(server: Scripted, watch: Watch) -> None:
    first = pull(server, watch, Shelf(IDS))[:2]
    done = first[-1]
    rest = pull(
        server,
        watch,
        Shelf(IDS),
        offset=done.offset + done.count,
        seen=[page.digest for page in first],
        total=done.total,
    )
    assert (ids_of(first + rest), rest[-1].proved) == (IDS, True)
    with pytest.raises(errors.PageLoopError):
        pull(server, watch, Shelf(IDS), seen=[page.digest for page in first])
    moved = pull(server, watch, Shelf([*IDS, "z"]), offset=20, total=25)
    assert (moved[-1].proved, moved[-1].reason) == (False, "moved")


@pytest.mark.parametrize("ids", [[7, 8, 9], [None, None, None], ["a", None, "b"]])
def test_ids_that_are_no_texts_or_not_there_do_no_harm(server: Scripted, watch: Watch, ids: list[object]) -> None:
    found = pull(
        server,
        watch,
        lambda asked: Reply(
            body={"users": [{"sourcedId": each, "n": 1} for each in ids]}, headers={"X-Total-Count": "3"}
        ),
    )
    assert (found[-1].count, found[-1].proved) == (3, True)


def test_next_page_is_fetched_while_this_one_is_worked_on_and_never_more(server: Scripted, watch: Watch) -> None:
    came = threading.Semaphore(0)
    shelf = Shelf(IDS)
    server.answers["/api/users"] = lambda asked: (shelf(asked), came.release())[0]
    found = pages(client_for(server, watch), "/users", key="users", limit=5)
    assert next(found).offset == 0
    assert came.acquire(timeout=5)
    assert came.acquire(timeout=5), "the second page is asked for without being wanted yet"
    assert not came.acquire(timeout=0.05)
    found.close()
    assert not [each for each in threading.enumerate() if each.name.startswith("syncrun-page")]
    assert len(server.asked) == 2


def test_error_of_a_page_comes_in_its_place(server: Scripted, watch: Watch) -> None:
    server.answers["/api/users"] = Shelf(IDS, before=lambda shelf, turn: Reply(403) if turn == 2 else None)
    found = pages(client_for(server, watch), "/users", key="users", limit=10)
    assert next(found).count == 10
    with pytest.raises(errors.ForbiddenError):
        next(found)
    assert not [each for each in threading.enumerate() if each.name.startswith("syncrun-page")]
