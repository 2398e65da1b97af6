"""All data sets of a plug-in, in the order in which their files are read, and the fields that their queries touch."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from syncrun.connectors.powerschool.package import catalogue, classes, users
from syncrun.connectors.powerschool.package.dataset import DataSet
from syncrun.connectors.powerschool.package.plugin import Plugin

_MADE: Mapping[str, Callable[[Plugin], DataSet]] = {
    "orgs": catalogue.orgs,
    "terms": catalogue.terms,
    "courses": catalogue.courses,
    "users": users.users,
    "classes": classes.classes,
    "enrollments": classes.enrollments,
}


def data_sets(plugin: Plugin) -> list[DataSet]:
    """The data sets that the plug-in gives."""
    return [make(plugin) for name, make in _MADE.items() if name in plugin.data_sets]


def query_name(plugin: Plugin, data_set: DataSet) -> str:
    """The name of a query: five words with points between, as PowerSchool recommends."""
    return f"{plugin.prefix}.oneroster.{data_set.name}"


def aliases(plugin: Plugin, data_set: DataSet) -> list[str]:
    """The names of the columns in the query, in its order."""
    ordered = plugin.labels == "ordered"
    return [f"{chr(ord('a') + n)}_{name}" if ordered else name for n, name in enumerate(data_set.columns)]


def labels(plugin: Plugin, data_set: DataSet) -> list[str]:
    """What PowerSchool calls the columns in an export, unless somebody changes it."""
    return [f"{data_set.table}.{alias}" for alias in aliases(plugin, data_set)]
