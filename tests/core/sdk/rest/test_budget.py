"""Hosts are asked by all threads together, and left alone by all of them when they ask for it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from scripted import Asked, Reply, Scripted, Watch, client_for

from syncrun.errors import RateLimitedError
from syncrun.sdk.rest import HostBudget, Limits, host_budget
from syncrun.sdk.rest.budget import PullBudget


def test_no_more_requests_at_once_than_allowed(server: Scripted, watch: Watch) -> None:
    lock, inside, most = threading.Lock(), [0], [0]
    full = threading.Event()

    def answer(asked: Asked) -> Reply:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            if inside[0] == 3:
                full.set()
        full.wait(5)
        time.sleep(0.02)  # for a fourth to come in, if it may
        with lock:
            inside[0] -= 1
        return Reply(body={})

    server.answers["/api/users"] = answer
    budget = HostBudget(3, clock=watch)
    clients = [client_for(server, watch, budget=budget) for _ in range(2)]
    with ThreadPoolExecutor(12) as threads:
        list(threads.map(lambda turn: clients[turn % 2].get("/users"), range(24)))
    assert most[0] == 3
    assert len(server.asked) == 24


def test_quiet_of_one_is_quiet_of_all(server: Scripted, watch: Watch) -> None:
    budget = HostBudget(clock=watch)
    first, second = (client_for(server, watch, budget=budget, limits=Limits(spare=0, share=0)) for _ in range(2))
    server.answers["/api/users"] = [Reply(429, headers={"Retry-After": "20"}), Reply(body={})]
    with pytest.raises(RateLimitedError):
        first.get("/users")
    watch.time += 5
    second.get("/users")
    assert watch.waits == [15]


def test_requests_a_second_are_spread(server: Scripted, watch: Watch) -> None:
    server.answers["/api/users"] = [Reply(body={})]
    client = client_for(server, watch, budget=HostBudget(per_second=4, clock=watch))
    for _ in range(5):
        client.get("/users")
    assert watch.waits == [0.25] * 4


def test_fewer_at_once_after_too_many_and_slowly_more(server: Scripted, watch: Watch) -> None:
    budget = HostBudget(8, clock=watch)
    client = client_for(server, watch, budget=budget)
    told = Reply(429, headers={"Retry-After": "1"})
    server.answers["/api/users"] = [told, told, Reply(body={})]
    client.get("/users")
    assert budget.allowed == 2
    for _ in range(15):
        client.get("/users")
    assert budget.allowed == 3
    for _ in range(300):
        client.get("/users")
    assert budget.allowed == 8
    for _ in range(9):
        budget.slow_down()
    assert budget.allowed == 1


def test_host_has_one_budget_and_the_closest_bounds_count() -> None:
    one = host_budget("one.example", 4)
    assert host_budget("one.example", 2, per_second=3) is one
    assert one.allowed == 2
    assert host_budget("one.example") is one
    assert one.allowed == 2
    assert host_budget("two.example") is not one


def test_repeats_are_a_share_of_what_is_sent_and_some_are_always_spare(watch: Watch) -> None:
    pull = PullBudget(2, 0.5, None, watch)
    assert [pull.repeat() for _ in range(3)] == [True, True, False]
    for _ in range(8):
        pull.send()
    assert [pull.repeat() for _ in range(3)] == [True, True, False]
    assert (pull.sent, pull.repeats, pull.over) == (8, 4, False)
