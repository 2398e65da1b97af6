"""The files of a package as text. They are written by hand, since a query stands in a CDATA section, which Python's own
writer does not have."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from syncrun.connectors.powerschool.package.dataset import DataSet
from syncrun.connectors.powerschool.package.plugin import Plugin
from syncrun.connectors.powerschool.package.roster import aliases, data_sets, query_name
from syncrun.connectors.powerschool.query import Field, Query

NAMESPACE = "http://plugin.powerschool.pearson.com"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def requested(plugin: Plugin) -> list[Field]:
    """The fields that the plug-in's queries read or name, sorted: those an administrator is asked for."""
    found: set[Field] = set()
    for each in data_sets(plugin):
        found |= Query(each.sql(quotes=plugin.quotes)).fields
        found |= {field for text in each.columns.values() if (field := Field.of(text))}
    return sorted(found)


def manifest(plugin: Plugin, *, access_level: bool) -> str:
    """`plugin.xml`. `access_level` names the right to the API that servers demand from 25.2 on, and that older ones may
    not know. Credentials and fields are asked for only where the app reads the API: an export needs neither."""
    lines = [f"<plugin xmlns={quoteattr(NAMESPACE)} name={quoteattr(plugin.name)} version={quoteattr(plugin.version)} "
             f"description={quoteattr(plugin.description)}>"]  # fmt: skip
    if plugin.api:
        lines.append('  <oauth accessLevelV1Api="READ"/>' if access_level else "  <oauth/>")
        lines.append("  <access_request>")
        lines += [
            f'    <field table="{each.table}" field="{each.name}" access="ViewOnly"/>' for each in requested(plugin)
        ]
        lines.append("  </access_request>")
    phone = f" phone={quoteattr(plugin.publisher.phone)}" if plugin.publisher.phone else ""
    lines += [f"  <publisher name={quoteattr(plugin.publisher.name)}>",
              f"    <contact email={quoteattr(plugin.publisher.email)}{phone}/>", "  </publisher>", "</plugin>"]  # fmt: skip
    return _text(lines)


def queries(plugin: Plugin) -> str:
    """The queries of all data sets."""
    lines = ["<queries>"]
    for each in data_sets(plugin):
        lines += _query(plugin, each)
    return _text([*lines, "</queries>"])


def _query(plugin: Plugin, each: DataSet) -> Iterable[str]:
    yield f'  <query name="{query_name(plugin, each)}" coreTable="{each.table.lower()}" flattened="true">'
    yield f"    <summary>{escape(each.summary)}</summary>"
    yield f"    <description>{escape(f'{each.file}: {each.why}')}</description>"
    yield "    <columns>"
    for alias, field in zip(aliases(plugin, each), each.columns.values(), strict=True):
        yield f'      <column column="{field}">{alias}</column>'
    yield "    </columns>"
    yield f"    <sql><![CDATA[\n{each.sql(quotes=plugin.quotes)}\n]]></sql>"
    yield "  </query>"


def permissions(plugin: Plugin) -> str:
    """Which pages of the portal let their users call the queries."""
    lines = ["<permission_mappings>"]
    for page in sorted(plugin.portal_pages):
        lines.append(f"  <permission name={quoteattr(page)}>")
        lines += [
            f'    <implies allow="post">/ws/schema/query/{query_name(plugin, each)}</implies>'
            for each in data_sets(plugin)
        ]
        lines.append("  </permission>")
    return _text([*lines, "</permission_mappings>"])


def _text(lines: Iterable[str]) -> str:
    return _DECLARATION + "\n".join(lines) + "\n"
