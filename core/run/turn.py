"""Whose turn it is within a run: sinks are served by stage, and one of a later stage is passed over when a sink of an
earlier stage has failed or waits for a person, unless its section says `after_failure = "run"`.

Sinks of one stage do not depend on each other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from syncrun.config.district import District, SinkConfig
from syncrun.plan.model import Plan
from syncrun.run.applying import SinkResult
from syncrun.sdk.info import STAGES


def passed_over(
    district: District, plan: Plan, approved: Mapping[str, Collection[str]], failed: Collection[str]
) -> dict[str, SinkResult]:
    """The sinks of the plan that are not served, each with the reason. `failed` are sinks that could not be served, or
    not to the end."""
    found: dict[str, SinkResult] = {}
    for config in district.served:
        reason = _reason(config, district, plan, approved, failed, found)
        if config.name in plan.sinks and reason:
            found[config.name] = SinkResult(skipped=reason, begun=False)
    return found


def _reason(
    config: SinkConfig, district: District, plan: Plan, approved: Mapping[str, Collection[str]],
    failed: Collection[str], skipped: Collection[str],
) -> str:  # fmt: skip
    if config.after_failure == "run":
        return ""
    for other in district.served:
        if STAGES.index(other.stage) >= STAGES.index(config.stage):
            return ""
        if other.name in failed:
            return f"the sink {other.name} ({other.stage}), which comes before, has failed"
        if other.name in skipped:
            return f"the sink {other.name} ({other.stage}), which comes before, was skipped"
        if other.name in plan.sinks and set(plan.sinks[other.name].held) - set(approved.get(other.name, ())):
            return f"the sink {other.name} ({other.stage}), which comes before, waits for a person"
    return ""
