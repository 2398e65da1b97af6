"""Groups of commands of which one is meant where none is named, as `syncrun schedule` is `syncrun schedule show`."""

from __future__ import annotations

from typing import Any

import click


class DefaultGroup(click.Group):
    """A group that carries out its command `default` where none is named. `words` is how many words of the group's own
    stand before a command. `--help` without a command is about the group, wherever it stands."""

    def __init__(self, name: str | None = None, *, default: str, words: int = 0, **more: Any) -> None:
        super().__init__(name, **more)
        self.default, self.words = default, words

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command where none is named; but not for a shell that asks how a line may go on."""
        own, rest = args[: self.words], args[self.words :]
        if not ctx.resilient_parsing and not (rest and rest[0] in self.commands):
            if "--help" in args:
                args = ["--help"]
            elif len(own) == self.words:
                args = [*own, self.default, *rest]
        return super().parse_args(ctx, args)
