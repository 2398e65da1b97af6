"""What is told of a roster beside its changes: contacts that several share, and guardians who are too many."""

from __future__ import annotations

from syncrun.sdk import Remark
from syncrun.sinks.messaging.shape import Wish, pairs

_SHARED = """
SELECT count(*) FROM (
    SELECT count(*) OVER (PARTITION BY {column}) AS many FROM shaped.guardians WHERE {column} IS NOT NULL
) WHERE many > 1
"""


def remarks(wish: Wish) -> tuple[Remark, ...]:
    """The remarks on guardians."""
    dropped = f"SELECT count(*) FROM ({pairs()}) WHERE place > {wish.guardians_most}"
    return (
        Remark(_SHARED.format(column="login_phone"), "{count} guardians share their phone with another; each is reached by it."),
        Remark(_SHARED.format(column="email"), "{count} guardians share their e-mail address with another; each is reached by it."),
        Remark(dropped, f"{{count}} guardians are left out, since a student has more than {wish.guardians_most} "
               "(`guardians_most`)."),
    )  # fmt: skip
