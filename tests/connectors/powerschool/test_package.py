"""The package: the same bytes each time, what PowerSchool knows and nothing else, and a page that says the same."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from syncrun.connectors.powerschool.lint import Level, lint_bytes
from syncrun.connectors.powerschool.package import Package, Plugin, packages, page, read
from syncrun.connectors.powerschool.package.markup import requested
from syncrun.connectors.powerschool.package.page import WHY, export_options
from syncrun.connectors.powerschool.package.roster import data_sets, labels, query_name
from syncrun.connectors.powerschool.query import Query
from syncrun.errors import ConfigError

NS = "{http://plugin.powerschool.pearson.com}"
SHORT = ("users", "classes", "enrollments")


def member(package: Package, name: str) -> ElementTree.Element:
    with zipfile.ZipFile(io.BytesIO(package.content)) as archive:
        return ElementTree.fromstring(archive.read(name))


def names(package: Package) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(package.content)) as archive:
        return archive.namelist()


def variants(plugin: Plugin) -> list[Plugin]:
    """Every choice that a vendor has, one by one."""
    return [
        plugin,
        *(dataclasses.replace(plugin, **change) for change in (
            {"api": False}, {"data_sets": SHORT}, {"guardians": False}, {"guardians_of": "data_access"},
            {"identifiers": "number"}, {"labels": "ordered"}, {"quotes": True}, {"staff": "all"}, {"pre_registered": True},
            {"portal_pages": ("/admin/home.html", "/teachers/home.html")}, {"lead_days": 0},
        )),
    ]  # fmt: skip


@pytest.mark.slow
def test_no_variant_breaks_a_rule(plugin: Plugin) -> None:
    for each in variants(plugin):
        for package in packages(each):
            remarks = lint_bytes(package.content, package.name)
            expected = {"L-PS-20"} if package.server == "legacy" else set()
            assert {remark.code for remark in remarks} == expected, (each, remarks)
            assert not [remark for remark in remarks if remark.rule.level is Level.ERROR]


def test_the_same_description_gives_the_same_bytes(description: Path) -> None:
    first, again = packages(read(description)), packages(read(description))
    assert first == again
    with zipfile.ZipFile(io.BytesIO(first[0].content)) as archive:
        assert {each.date_time for each in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist() == ["plugin.xml", "queries_root/com.example.rosters.named_queries.xml"]


def test_two_packages_where_the_api_is_used_and_one_where_not(plugin: Plugin) -> None:
    newer, older = packages(plugin)
    assert member(newer, "plugin.xml").find(f"{NS}oauth").attrib == {"accessLevelV1Api": "READ"}
    assert member(older, "plugin.xml").find(f"{NS}oauth").attrib == {}
    assert [packages(plugin, "25.2"), packages(plugin, "legacy")] == [[newer], [older]]
    (single,) = packages(dataclasses.replace(plugin, api=False))
    manifest = member(single, "plugin.xml")
    assert [each.tag for each in manifest] == [f"{NS}publisher"]
    assert manifest.find(f"{NS}publisher").get("name") == "Example & Sons"


def test_permissions_are_mapped_only_for_pages_of_the_portal(plugin: Plugin) -> None:
    path = "permissions_root/com.example.rosters.permission_mappings.xml"
    assert path not in names(packages(plugin)[0])
    mapping = member(packages(dataclasses.replace(plugin, portal_pages=("/admin/home.html",)))[0], path)
    assert [each.text for each in mapping.iter("implies")] == [
        f"/ws/schema/query/{query_name(plugin, each)}" for each in data_sets(plugin)
    ]


def test_columns_are_in_the_order_of_the_sql(plugin: Plugin) -> None:
    queries = member(packages(plugin)[0], "queries_root/com.example.rosters.named_queries.xml")
    for query, each in zip(queries, data_sets(plugin), strict=True):
        assert query.get("name").count(".") == 4
        aliases = [column.text for column in query.iterfind("columns/column")]
        assert aliases == Query(query.findtext("sql")).columns == list(each.columns)


def test_every_field_that_is_read_is_asked_for(plugin: Plugin) -> None:
    asked = {
        (each.get("table"), each.get("field")) for each in member(packages(plugin)[0], "plugin.xml").iter(f"{NS}field")
    }
    assert asked == {(each.table, each.name) for each in requested(plugin)}
    assert ("STUDENTCONTACTDETAIL", "ISCUSTODIAL") in asked
    assert ("STUDENTCONTACTDETAIL", "ISCUSTODIAL") not in {
        (each.table, each.name) for each in requested(dataclasses.replace(plugin, guardians=False))
    }


def test_ordered_labels_keep_the_order_when_sorted(plugin: Plugin) -> None:
    for each in data_sets(dataclasses.replace(plugin, labels="ordered")):
        found = labels(dataclasses.replace(plugin, labels="ordered"), each)
        assert found == sorted(found)
        assert [label.split("_", 1)[1] for label in found] == list(each.columns)


@pytest.mark.slow
@pytest.mark.requirement("S2-5", "S2-10")
def test_the_page_says_what_is_in_the_package(plugin: Plugin) -> None:
    for each in variants(plugin):
        text = page(each)
        lines = text.splitlines()
        for package in packages(each):
            assert f"`{package.name}`" in text
        for data_set in data_sets(each):
            (line,) = (line for line in lines if f"`NQ - {query_name(each, data_set)}`" in line)
            assert f"`{data_set.file}`" in line
            assert ", ".join(labels(each, data_set)) in line
        for option, value in export_options(each).items():
            assert f"| {option} | {value} |" in lines
        for field in requested(each):
            (line,) = (line for line in lines if line.startswith(f"| {field.table} |"))
            assert field.name in line
            assert WHY[field.table] in line
        listed = {
            line.split("|")[1].strip() for line in lines if line.startswith("| ") and line.split("|")[1].strip() in WHY
        }
        assert listed == {field.table for field in requested(each)}
        assert ("client id" in text) is each.api
        assert ("Guardians are" in text) is each.guardians
        assert ("must be off" in text) is not each.quotes
    assert "`sftp.example.com`" in page(plugin)
    assert "`SHA256:abcDEF123`" in page(plugin)


@pytest.mark.slow
def test_the_page_changes_with_the_description(plugin: Plugin) -> None:
    pages = [page(each) for each in variants(plugin)]
    assert len(set(pages)) == len(pages) - 1, "only portal pages are no business of the page"


def test_exports_follow_one_another(plugin: Plugin) -> None:
    text = page(dataclasses.replace(plugin, schedule="23:50"))
    assert [at for at in ("23:50", "00:00", "00:10", "00:40") if f"| {at} |" in text] == [
        "23:50",
        "00:00",
        "00:10",
        "00:40",
    ]


def problems(path: Path, text: str) -> dict[str, str]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        read(path)
    assert refused.value.exit_code == 2
    return {each.path: f"{each.code} {each.message} {each.hint}" for each in refused.value.problems}


def test_all_problems_of_a_description_are_told_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path / "plugin.toml", """
name = "A name that is much longer than PowerSchool's forty"
version = "1.0-beta"
prefix = "example.com/x"
identifer = "dcid"
data_sets = ["users", "classes"]
portal_pages = ["home"]
[publisher]
name = "Example"
email = "an.address.of.more.than.forty.characters@example.com"
phone = "555555555555555555555"
[delivery]
port = 0
fingerprint = "md5"
""")  # fmt: skip
    assert set(found) == {
        "name", "version", "prefix", "identifer", "identifiers", "vendor", "portal_pages[0]", "publisher.email",
        "publisher.phone", "delivery.port", "delivery.fingerprint",
    }  # fmt: skip
    assert "did you mean identifiers?" in found["identifer"]
    assert "made anew in the app" in found["identifiers"]
    assert "at most 40" in found["publisher.email"]


@pytest.mark.parametrize(
    ("sets", "words"),
    [('["users", "classes"]', "enrollments"), ('["users", "classes", "enrollments", "orgs"]', "or none"),
     ('["users", "users", "classes", "enrollments"]', "once"), ('["users", "classes", "enrollments", "grades"]', "one of")],
)  # fmt: skip
def test_sets_that_nobody_could_read_are_refused(description: Path, sets: str, words: str) -> None:
    text = description.read_text(encoding="utf-8")
    text = "\n".join(f"data_sets = {sets}" if line.startswith("data_sets") else line for line in text.splitlines())
    (told,) = problems(description, text).values()
    assert words in told.lower()


def test_what_is_no_toml_is_refused(tmp_path: Path) -> None:
    assert list(problems(tmp_path / "plugin.toml", "name = ")) == ["plugin.toml"]
    (tmp_path / "latin").write_bytes(b'name = "\xe9"')
    for name in ("latin", "none.toml"):
        with pytest.raises(ConfigError):
            read(tmp_path / name)
