"""Users in the forms of OneRoster 1.1 and 1.2: the records of all other collections are the same in both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from syncrun.testing.roster_server.field import ONLY

Version = Literal["1.1", "1.2"]

BASES: Mapping[Version, str] = {"1.1": "/ims/oneroster/v1p1", "1.2": "/ims/oneroster/rostering/v1p2"}
"""Where each version is found on a server, below the prefix."""


def form_of(user: Mapping[str, Any]) -> Version | None:
    """The version in whose form a user is, if it is in one."""
    if ("roles" in user) == ("role" in user):
        return None
    return "1.2" if "roles" in user else "1.1"


def in_form(user: Mapping[str, Any], version: Version) -> dict[str, Any]:
    """The user as the version has it. What is in neither form, or in both, is left as it is."""
    if form_of(user) in {None, version}:
        return dict(user)
    kept = {name: value for name, value in user.items() if name not in ONLY["1.1" if version == "1.2" else "1.2"]}
    return kept | (_roles(user) if version == "1.2" else _role(user))


def _roles(user: Mapping[str, Any]) -> dict[str, Any]:
    """A role in each org; the first is the primary one."""
    role = "siteAdministrator" if user["role"] == "administrator" else user["role"]
    orgs = user.get("orgs") or []
    roles = [
        {"roleType": "secondary" if number else "primary", "role": role, "org": org} for number, org in enumerate(orgs)
    ]
    return {"roles": roles} | ({"primaryOrg": orgs[0]} if orgs else {})


def _role(user: Mapping[str, Any]) -> dict[str, Any]:
    """The primary role, and all orgs."""
    roles = user["roles"] or [{}]
    first = next((role for role in roles if role.get("roleType") == "primary"), roles[0])
    orgs = {role["org"]["sourcedId"]: role["org"] for role in roles if "org" in role}
    word = str(first.get("role", ""))
    return {"role": "administrator" if word.endswith("Administrator") else word, "orgs": list(orgs.values())}
