"""Matchers of plug-ins become objects that keep their contract, or are named with what is wrong with them."""

from __future__ import annotations

import pytest

from syncrun.errors import ContractError
from syncrun.match.load import BUILT_IN, load_matchers
from syncrun.matcher.person import Names
from syncrun.registry import Registry

OFFER = """
from syncrun.sdk import MatcherInfo, hookimpl


@hookimpl
def syncrun_matchers():
    yield MatcherInfo(name="{name}", title="Theirs", cls="{cls}")
"""


def test_built_in_matchers_are_found_by_name():
    found = load_matchers(Registry())
    assert isinstance(found["names"], Names)
    assert {"identifiers", "addresses", "births", "places", "school_names", "years", "sections"} < found.keys()


def test_matchers_of_others_join_them(site):
    site.plugin("theirs", OFFER.format(name="their_names", cls="syncrun.matcher.person:Names"))
    found = load_matchers(Registry(), [BUILT_IN, "theirs"])
    assert isinstance(found["their_names"], Names)
    assert "names" in found


@pytest.mark.parametrize(("name", "cls", "told"), [
    ("names", "syncrun.matcher.person:Names", "Two plug-ins offer a matcher of the name names"),
    ("theirs", "syncrun.matcher.person:initial", "raised TypeError"),
    ("theirs", "pathlib:PurePath", "lacks one of kinds"),
    ("theirs", "syncrun.matcher.person:Absent", "cannot be imported"),
])  # fmt: skip
def test_matcher_that_is_none_is_named(site, name, cls, told):
    site.plugin("theirs", OFFER.format(name=name, cls=cls))
    with pytest.raises(ContractError, match=told):
        load_matchers(Registry(), [BUILT_IN, "theirs"])


def test_plugin_with_a_fault_is_named(site):
    site.plugin("theirs", "raise RuntimeError")
    with pytest.raises(ContractError, match="theirs cannot be loaded: RuntimeError"):
        load_matchers(Registry(), ["theirs"])


@pytest.mark.parametrize(("field", "value", "told"), [
    ("features", ("shoeSize",), "names what there is not: shoeSize"), ("kinds", ("pets",), "names what there is not: pets"),
    ("weight", 0, "weight that is not above 0"),
])  # fmt: skip
def test_matcher_of_other_words_or_no_weight_is_refused(site, field, value, told):
    code = f"from syncrun.matcher.person import Names\n\n\nclass Theirs(Names):\n    {field} = {value!r}\n"
    site.plugin("theirs", OFFER.format(name="theirs", cls="theirs_of_vendor.plugin:Theirs") + code)
    with pytest.raises(ContractError, match=told):
        load_matchers(Registry(), ["theirs"])
