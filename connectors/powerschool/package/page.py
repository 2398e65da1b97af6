"""The page for the administrator of a district's PowerSchool, from the same description as the package: what to install,
what is read and why, how to export, send, update and remove."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator, Mapping

from syncrun.connectors.powerschool.package.archive import packages
from syncrun.connectors.powerschool.package.markup import requested
from syncrun.connectors.powerschool.package.plugin import Plugin
from syncrun.connectors.powerschool.package.roster import data_sets, labels, query_name

_APART = 10
"""Minutes between the exports of two files, so that the server makes one at a time."""

WHY: Mapping[str, str] = {
    "CC": "which students are in which class, from when to when",
    "CODESET": "which of a guardian's numbers is a mobile telephone",
    "COURSES": "titles of classes",
    "EMAILADDRESS": "addresses of students and guardians",
    "GUARDIANPERSONASSOC": "which contacts may see a student's data",
    "GUARDIANSTUDENT": "whose data they may see",
    "PERSON": "names of guardians",
    "PERSONEMAILADDRESSASSOC": "which address is whose, and which is the primary one",
    "PERSONPHONENUMBERASSOC": "which number is whose, and which is preferred",
    "PHONENUMBER": "numbers of guardians",
    "SCHOOLS": "names of schools",
    "SCHOOLSTAFF": "at which schools staff works now",
    "SECTIONS": "the classes themselves",
    "SECTIONTEACHER": "who teaches them, co-teachers too",
    "STUDENTCONTACTASSOC": "who a student's contacts are, and in which order",
    "STUDENTCONTACTDETAIL": "which of them have custody",
    "STUDENTS": "students, their grade, school and user name",
    "TERMS": "what belongs to this school year",
    "USERS": "staff, their address and user name",
}
"""By table, what its fields are read for."""


def page(plugin: Plugin) -> str:
    """The page, as Markdown."""
    parts = (_head, _install, _read, _connect, _export, _check, _upkeep)
    return "\n\n".join("\n".join(part(plugin)) for part in parts) + "\n"


def _head(plugin: Plugin) -> Iterator[str]:
    files = [each.file for each in data_sets(plugin)]
    yield f"# {plugin.name} {plugin.version}"
    yield ""
    yield (f"This plug-in adds {len(files)} data sets to the data export of PowerSchool. From them you make the files "
           f"{', '.join(f'`{each}`' for each in files)}, which {plugin.vendor} reads every day. It changes nothing in "
           "PowerSchool: its queries only read.")  # fmt: skip
    phone = f", {plugin.publisher.phone}" if plugin.publisher.phone else ""
    yield ""
    yield f"Questions: {plugin.publisher.name}, {plugin.publisher.email}{phone}."


def _install(plugin: Plugin) -> Iterator[str]:
    yield "## Install and enable"
    yield ""
    found = packages(plugin)
    if len(found) == 1:
        yield f"1. You need the file `{found[0].name}`. Do not unpack it."
    else:
        newer, older = found
        yield (f"1. You need one file, as it is: `{newer.name}` for PowerSchool SIS 25.2.0.0 and later, `{older.name}` for "
               "servers before that.")  # fmt: skip
    yield "2. Open *System > System Settings > Plugin Management Configuration*, choose *Install*, and name the file."
    yield f"3. In the list of plug-ins, enable **{plugin.name}**."
    if plugin.api:
        yield "4. PowerSchool shows the fields that the plug-in asks for, as they are listed below. Accept them."
        yield ("5. Open the plug-in, then *Data Provider Configuration*. Set *Maximum Page Size* to 1000. Send the client id "
               f"and the client secret to {plugin.publisher.name} in the way that you agreed on, not by e-mail.")  # fmt: skip


def _read(plugin: Plugin) -> Iterator[str]:
    yield "## What is read, and why"
    yield ""
    yield "| file | what for |"
    yield "| --- | --- |"
    yield from (f"| `{each.file}` | {each.why} |" for each in data_sets(plugin))
    yield ""
    yield "The queries read or name these fields and no others. None of them is written."
    yield ""
    yield "| table | fields | what for |"
    yield "| --- | --- | --- |"
    for table, group in itertools.groupby(requested(plugin), key=lambda each: each.table):
        yield f"| {table} | {', '.join(each.name for each in group)} | {WHY[table]} |"
    yield ""
    yield f"Students count while they are enrolled{' or pre-registered' if plugin.pre_registered else ''}. "\
          + ("Staff counts while it has a teacher's post or a class." if plugin.staff == "teachers" else
             "All staff with an active post counts.") \
          + f" A school year, and a place in a class, count from {plugin.lead_days} days before their first day."  # fmt: skip
    if plugin.guardians:
        which = ("contacts with custody" if plugin.guardians_of == "custodial" else
                 "contacts who may see the student's data")  # fmt: skip
        yield ""
        yield f"Guardians are active {which}, in the order of their priority, at most six a student."


def _connect(plugin: Plugin) -> Iterator[str]:
    to = plugin.delivery
    yield "## Connect"
    yield ""
    yield ("Open *Plugin Management Configuration > Remote Connection Manager*, and add a connection. User name and password "
           f"come from {plugin.publisher.name}.")  # fmt: skip
    yield ""
    yield "| setting | value |"
    yield "| --- | --- |"
    for setting, value in (
        ("Name", plugin.vendor), ("Protocol", "SFTP"), ("Host", f"`{to.host}`, without `sftp://`"), ("Port", f"`{to.port}`"),
        ("Allow Upload", "on"), ("Allow Download", "off"), ("Allow unsecure ciphers", "off"),
    ):  # fmt: skip
        yield f"| {setting} | {value} |"
    yield ""
    yield ("Choose *Test Connection*. PowerSchool shows the fingerprint of the server's key once. Accept it only if it is "
           f"`{to.fingerprint}`; if it is another, stop and ask.")  # fmt: skip


def _export(plugin: Plugin) -> Iterator[str]:
    yield "## Export and send"
    yield ""
    yield ("Make one template for each file. Templates belong to the user who saves them: use an account that stays when "
           "people leave, with the right to run scheduled templates (*Scheduler Access*).")  # fmt: skip
    yield ""
    yield "1. Open *Setup > System > Page and Data Management > Data Export*."
    yield "2. As *Category* choose *Additional Data Sets*, as *Export From* the query in the table below. Select all its fields."
    yield ("3. Leave the labels as they are, or shorten them to what stands after the last point; both are read. Do not rename "
           "them otherwise. Where the numbers that get text messages are kept under *phone*, swap the labels `sms` and "
           "`phone`.")  # fmt: skip
    yield "4. Look at the preview, and set the options of the *Export Summary*:"
    yield ""
    yield "| option | value |"
    yield "| --- | --- |"
    for option, value in export_options(plugin).items():
        yield f"| {option} | {value} |"
    yield ""
    yield (f"5. Save the template, then schedule it daily, to the connection *{plugin.vendor}*, folder "
           f"`{plugin.delivery.folder}`.")  # fmt: skip
    yield ""
    yield "| Export From | Export file name | at | labels as they come |"
    yield "| --- | --- | --- | --- |"
    for at, each in zip(_times(plugin), data_sets(plugin), strict=False):
        names = ", ".join(labels(plugin, each))
        yield f"| `NQ - {query_name(plugin, each)}` | `{each.file}` | {at} | {names} |"
    yield ""
    yield ("The file names are exact, without a date, so that each day's file takes the place of the last. The screen *System > "
           "AutoSend* sends other, fixed kinds of data and is not needed; guides that say AutoSend mean this schedule.")  # fmt: skip
    if not plugin.quotes:
        yield ""
        yield ("*Surround field values in quotes* must be off: the queries put quotes around the values that need them, and "
               "PowerSchool would put a second pair around those.")  # fmt: skip


def export_options(plugin: Plugin) -> Mapping[str, str]:
    """The options of PowerSchool's export for all files, by the names on its screen."""
    return {
        "Line delimiter": "CR", "Field delimiter": "Comma", "Character set": "UTF-8", "Include column headers": "on",
        "Surround field values in quotes": "on" if plugin.quotes else "off",
    }  # fmt: skip


def _times(plugin: Plugin) -> Iterator[str]:
    hour, minute = map(int, plugin.schedule.split(":"))
    start = datetime.datetime(2000, 1, 1, hour, minute)  # noqa: DTZ001 # the district's clock, any day
    for number in itertools.count():
        yield f"{start + datetime.timedelta(minutes=_APART * number):%H:%M}"


def _check(plugin: Plugin) -> Iterator[str]:
    yield "## The first day"
    yield ""
    yield (f"After the first files have arrived, {plugin.publisher.name} looks at them and tells you what would be made of "
           f"them. Nothing reaches {plugin.vendor} before you approve it. From then on the files of each day count; a file "
           "that is missing or much smaller than the day before is held until somebody has looked.")  # fmt: skip


def _upkeep(plugin: Plugin) -> Iterator[str]:
    yield "## Update and remove"
    yield ""
    yield ("To update, install the newer package over this one: its version must be higher than "
           f"{plugin.version}. Templates stay. Do not delete the plug-in first"
           + (": its credentials would be new ones." if plugin.api else "."))  # fmt: skip
    yield ""
    scheme = "PowerSchool's own keys (DCID)" if plugin.identifiers == "dcid" else "student numbers and teacher numbers"
    yield (f"People are known by {scheme}. That never changes with an update; if a number changes, the person is taken for "
           "another one.")  # fmt: skip
    yield ""
    yield (f"To remove, delete the schedules and templates, then disable **{plugin.name}** and delete it in *Plugin Management "
           "Configuration*, then the connection. Before you do, tell "
           f"{plugin.publisher.name}: absence of files alone removes nobody.")  # fmt: skip
