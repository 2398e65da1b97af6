"""The page about PowerSchool's plug-in package: the settings of its description, and the rules of its check."""

from __future__ import annotations

from interface import settings_table
from written import attribute_docs, code, first, page, table

from syncrun.connectors.powerschool.lint import RULES, Level
from syncrun.connectors.powerschool.package.setting import DeliverySchema, PluginSchema, PublisherSchema


def powerschool() -> str:
    """The whole page."""
    told = attribute_docs(Level)
    rules = [(code(each.code), each.title, each.level.value, each.fix) for each in RULES.values()]
    return page(
        "The plug-in package for PowerSchool",
        "What `plugin.toml` holds and what `syncrun powerschool plugin lint` looks at. [How to make and use a "
        "package](../how-to/powerschool-plugin.md) is on a page of its own.",
        "## The description", first(PluginSchema), settings_table(PluginSchema()),
        "## `[publisher]`", first(PublisherSchema), settings_table(PublisherSchema()),
        "## `[delivery]`", first(DeliverySchema), settings_table(DeliverySchema()),
        "## Rules",
        table(("level", "what it means"), [(each.value, told[each.name]) for each in Level]),
        table(("code", "what is wrong", "level", "fix"), rules),
    )  # fmt: skip
