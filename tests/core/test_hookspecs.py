"""The hooks: their arguments may grow no defaults and no order, and their examples run."""

from __future__ import annotations

import inspect
import re
from types import FunctionType, ModuleType

import pluggy
import pytest

from syncrun import hookspecs
from syncrun.registry import Listed, Registry
from syncrun.sdk import Objection, PlanView, RunView
from syncrun.sdk.info import Distribution

SPECS = {name: spec for name, spec in vars(hookspecs).items() if name.startswith("syncrun_")}
RUN = RunView("run-1", "riverside", dry_run=False, outcome="DONE")
PLAN = PlanView("ab" * 32, {}, ())


def test_there_are_eight_hooks() -> None:
    assert sorted(SPECS) == [
        "syncrun_commands", "syncrun_matchers", "syncrun_plan_made", "syncrun_review_plan", "syncrun_run_finished",
        "syncrun_run_started", "syncrun_sinks", "syncrun_sources",
    ]  # fmt: skip


@pytest.mark.parametrize("name", sorted(SPECS))
def test_arguments_are_views_without_defaults(name: str) -> None:
    parameters = inspect.signature(SPECS[name]).parameters
    assert set(parameters) <= {"run", "plan"}
    assert all(each.default is inspect.Parameter.empty for each in parameters.values())


@pytest.mark.parametrize("name", sorted(SPECS))
def test_no_hook_depends_on_who_answers_first(name: str) -> None:
    manager = pluggy.PluginManager("syncrun")
    manager.add_hookspecs(hookspecs)
    spec = getattr(manager.hook, name).spec
    assert not spec.opts["firstresult"]
    assert not spec.opts["historic"]


class _Made:
    """An entry point to a module that is not on any path."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module

    def load(self) -> ModuleType:
        return self.module


def example(spec: FunctionType) -> ModuleType:
    """The module that the docstring of a hook shows."""
    (code,) = re.findall(r"```python\n(.*?)```", inspect.getdoc(spec) or "", re.DOTALL)
    module = ModuleType("shown")
    exec(code, vars(module))
    return module


@pytest.mark.parametrize("name", ["syncrun_sources", "syncrun_sinks", "syncrun_matchers", "syncrun_commands"])
def test_example_of_a_contributing_hook_is_offered(name: str) -> None:
    module = example(SPECS[name])
    (info,) = getattr(module, name)()
    listed = Listed(info.name, "shown", Distribution("vendor", "1"), _Made(module))  # type: ignore[arg-type] # made, not installed
    registry = Registry([listed])
    assert [offer.info for offer in registry.load(info.name)] == [info]
    assert registry.faults == []


@pytest.mark.parametrize("name", ["syncrun_run_started", "syncrun_plan_made", "syncrun_run_finished"])
def test_example_of_an_observing_hook_is_called(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    registry = Registry([Listed("shown", "shown", Distribution("vendor", "1"), _Made(example(SPECS[name])))])  # type: ignore[arg-type] # made, not installed
    registry.load("shown")
    registry.call(name, run=RUN, plan=PLAN)
    assert registry.faults == []
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_example_of_the_reviewer_objects() -> None:
    module = example(SPECS["syncrun_review_plan"])
    registry = Registry([Listed("shown", "shown", Distribution("vendor", "1"), _Made(module))])  # type: ignore[arg-type] # made, not installed
    registry.load("shown")
    answers = registry.call("syncrun_review_plan", run=RUN, plan=PLAN)
    assert answers == [("shown", [Objection("Riverside is on holiday")])]
