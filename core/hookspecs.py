"""All hooks. The contributing ones describe what a plug-in offers, the observing ones look on, and the reviewing one
may only object. No hook depends on order; a new fact comes as a new field of a view, never as a new argument."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from syncrun.sdk import CommandInfo, ConnectorInfo, MatcherInfo, Objection, PlanView, RunView

hookspec = pluggy.HookspecMarker("syncrun")


@hookspec
def syncrun_sources() -> Iterable[ConnectorInfo]:  # type: ignore[empty-body] # a specification has no body
    """Describe source connectors.

    ```python
    from syncrun.sdk import ConnectorInfo, hookimpl


    @hookimpl
    def syncrun_sources():
        yield ConnectorInfo(
            name="acme",
            title="Acme SIS exports",
            cls="syncrun_acme.source:Acme",
            settings="syncrun_acme.setting:AcmeSettings",
        )
    ```
    """


@hookspec
def syncrun_sinks() -> Iterable[ConnectorInfo]:  # type: ignore[empty-body] # a specification has no body
    """Describe sinks.

    ```python
    from syncrun.sdk import Cap, ConnectorInfo, hookimpl


    @hookimpl
    def syncrun_sinks():
        yield ConnectorInfo(
            name="acme_gradebook",
            title="Acme Gradebook",
            caps=Cap.CLIENT_IDS | Cap.ARCHIVE | Cap.RESTORE,
            cls="syncrun_acme.sink:Gradebook",
            settings="syncrun_acme.setting:GradebookSettings",
        )
    ```
    """


@hookspec
def syncrun_matchers() -> Iterable[MatcherInfo]:  # type: ignore[empty-body] # a specification has no body
    """Describe matchers.

    ```python
    from syncrun.sdk import MatcherInfo, hookimpl


    @hookimpl
    def syncrun_matchers():
        yield MatcherInfo(name="acme_names", title="Names as Acme writes them", cls="syncrun_acme.match:Names")
    ```
    """


@hookspec
def syncrun_commands() -> Iterable[CommandInfo]:  # type: ignore[empty-body] # a specification has no body
    """Describe click commands, reached as `syncrun x PLUGIN COMMAND`.

    ```python
    from syncrun.sdk import CommandInfo, hookimpl


    @hookimpl
    def syncrun_commands():
        yield CommandInfo(name="ping", title="Ask Acme whether it is up", command="syncrun_acme.command:ping")
    ```
    """


@hookspec
def syncrun_run_started(run: RunView) -> None:
    """Look on when a run begins. What is raised becomes a fault in the report and stops nothing.

    ```python
    from syncrun.sdk import hookimpl


    @hookimpl
    def syncrun_run_started(run):
        print("a run of", run.district, "begins")
    ```
    """


@hookspec
def syncrun_plan_made(run: RunView, plan: PlanView) -> None:
    """Look on when the plan is made and judged, before anything is written.

    ```python
    from syncrun.sdk import hookimpl


    @hookimpl
    def syncrun_plan_made(run, plan):
        print("plan", plan.hash[:12], "held:", plan.held)
    ```
    """


@hookspec
def syncrun_run_finished(run: RunView) -> None:
    """Look on when a run has ended, however it ended.

    ```python
    from syncrun.sdk import hookimpl


    @hookimpl
    def syncrun_run_finished(run):
        print(run.district, "ended:", run.outcome)
    ```
    """


@hookspec
def syncrun_review_plan(run: RunView, plan: PlanView) -> Iterable[Objection]:  # type: ignore[empty-body] # no body
    """Object to a plan, which then waits for a person. A reviewer that raises counts as an objection.

    ```python
    from syncrun.sdk import Objection, hookimpl


    @hookimpl
    def syncrun_review_plan(run, plan):
        if run.district == "riverside":
            yield Objection("Riverside is on holiday")
    ```
    """
