"""The matchers of this installation, as objects that keep their contract."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from syncrun.errors import ContractError
from syncrun.match.side import guarded
from syncrun.registry import Registry, imported
from syncrun.sdk import FEATURES, Matcher, MatcherInfo, MatchKind

BUILT_IN = "matchers"
"""The entry point of the matchers that come with `syncrun`."""


def load_matchers(registry: Registry, plugins: Iterable[str] = (BUILT_IN,)) -> dict[str, Matcher]:
    """The matchers that these plug-ins offer, by name.

    Raises `ContractError` for a plug-in that cannot be loaded, for a matcher that is none, and for two of one name.
    """
    found: dict[str, Matcher] = {}
    for plugin in plugins:
        fault = registry.fault(plugin)
        if fault:
            raise ContractError(f"The plug-in {plugin} cannot be loaded: {fault.reason}")
        for offer in registry.load(plugin):
            if not isinstance(offer.info, MatcherInfo):
                continue
            if offer.info.name in found:
                raise ContractError(f"Two plug-ins offer a matcher of the name {offer.info.name}.")
            found[offer.info.name] = checked(
                offer.info.name, guarded(offer.info.name, imported(offer.info.cls, plugin))
            )
    return found


def checked(plugin: str, matcher: object) -> Matcher:
    """The matcher, if it is one. Raises `ContractError` with what is wrong with it."""
    if not isinstance(matcher, Matcher):
        raise ContractError(f"The matcher {plugin} lacks one of kinds, features, forms, keys, weight and score.")
    wrong = {*matcher.kinds} - {*get_args(MatchKind)} | {*matcher.features} - {*FEATURES}
    if wrong:
        raise ContractError(f"The matcher {plugin} names what there is not: {', '.join(sorted(wrong))}.")
    if not matcher.weight > 0:
        raise ContractError(f"The matcher {plugin} has a weight that is not above 0.")
    return matcher
