"""The section that says whom to tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncrun.config.notify import FILE, for_district, found_in
from syncrun.errors import ConfigError

HOOK = 'webhook = "https://example.org/hook"\nwebhook_key = "env:KEY"\n'
MAIL = 'mail_to = ["roster@example.org"]\nmail_from = "syncrun@example.org"\nsmtp = "smtp.example.org:587"\n'


def problems(tmp_path: Path, text: str) -> list[tuple[str, str]]:
    path = tmp_path / "it.toml"
    path.write_text(f"[notify]\n{text}")
    with pytest.raises(ConfigError) as raised:
        found_in(path)
    return [(each.code, each.path) for each in raised.value.problems]


@pytest.mark.parametrize(("text", "path"), [
    ("", "notify.webhook"),
    ('webhook = "https://example.org/hook"', "notify.webhook_key"),
    (HOOK.replace("https", "http"), "notify.webhook"),
    (HOOK.replace("/hook", "/hook?key=x"), "notify.webhook"),
    (HOOK.replace("example", "me:secret@example"), "notify.webhook"),
    (HOOK.replace("https://example.org/hook", "example.org"), "notify.webhook"),
    (MAIL.replace("smtp.example.org:587", "smtp.example.org"), "notify.smtp"),
    (MAIL.replace("roster@example.org", "roster"), "notify.mail_to[0]"),
    ('mail_to = ["a@example.org"]\nsmtp = "smtp.example.org:25"', "notify.mail_from"),
    (MAIL + 'smtp_security = "none"', "notify.smtp_security"),
    (MAIL + 'smtp_user = "me"', "notify.smtp_password"),
])  # fmt: skip
def test_what_cannot_be_used_is_named(tmp_path: Path, text: str, path: str) -> None:
    assert problems(tmp_path, text) == [("E-CONFIG-3", path)]


def test_key_in_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    assert problems(tmp_path, HOOK.replace("env:KEY", "canary")) == [("E-CONFIG-6", "notify.webhook_key")]


def test_section_of_the_district_counts_before_the_file_of_the_home_folder(tmp_path: Path) -> None:
    mine, home = tmp_path / "riverside.toml", tmp_path / "home"
    home.mkdir()
    mine.write_text('district = "riverside"\n')
    assert for_district(mine, home) is None
    (home / FILE).write_text(f"[notify]\n{MAIL}")
    found = for_district(mine, home)
    assert found is not None
    assert (found[0].channels, found[1]) == (("mail",), home / FILE)
    mine.write_text(f"[notify]\n{HOOK}")
    found = for_district(mine, home)
    assert found is not None
    assert (found[0].channels, found[1]) == (("webhook",), mine)


def test_file_that_is_no_toml_at_all_is_told_of_by_the_homes_notify_toml(tmp_path: Path) -> None:
    mine, home = tmp_path / "riverside.toml", tmp_path / "home"
    home.mkdir()
    mine.write_text("district = ")
    with pytest.raises(ConfigError):
        for_district(mine, home)
    (home / FILE).write_text(f"[notify]\n{MAIL}")
    found = for_district(mine, home)
    assert found is not None
    assert found[1] == home / FILE
    mine.write_text('[notify]\nwebhook = "http://example.org"\n')
    with pytest.raises(ConfigError):  # who says whom to tell, and says it wrong, is not overruled
        for_district(mine, home)


def test_what_goes_to_one_place_is_known_to(tmp_path: Path) -> None:
    path = tmp_path / "it.toml"
    seen = set()
    for text in (HOOK, HOOK + MAIL, HOOK.replace("/hook", "/other")):
        path.write_text(f"[notify]\n{text}")
        found = found_in(path)
        assert found is not None
        seen.add(found.destination("webhook"))
    assert len(seen) == 2
