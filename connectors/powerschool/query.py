"""A query in Oracle's SQL, parsed: what it gives, and which fields of which tables it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from syncrun.connectors.powerschool.extra import Scope, exp, sqlglot, traverse_scope

_HOOK = re.compile(r"<@restricted_table[^>]*/>")
"""PowerSchool puts the users' own selection in its place."""
_PSEUDO = frozenset({"SYSDATE", "SYSTIMESTAMP", "ROWNUM", "ROWID", "LEVEL", "USER", "CURRENT_DATE"})

_WORDS = (
    "ACCESS ADD ALL ALTER AND ANY AS ASC AUDIT BETWEEN BY CHAR CHECK CLUSTER COLUMN COMMENT COMPRESS CONNECT CREATE CURRENT "
    "DATE DECIMAL DEFAULT DELETE DESC DISTINCT DROP ELSE EXCLUSIVE EXISTS FILE FLOAT FOR FROM GRANT GROUP HAVING IDENTIFIED "
    "IMMEDIATE IN INCREMENT INDEX INITIAL INSERT INTEGER INTERSECT INTO IS LEVEL LIKE LOCK LONG MAXEXTENTS MINUS MLSLABEL "
    "MODE MODIFY NOAUDIT NOCOMPRESS NOT NOWAIT NULL NUMBER OF OFFLINE ON ONLINE OPTION OR ORDER PCTFREE PRIOR PUBLIC RAW "
    "RENAME RESOURCE REVOKE ROW ROWID ROWNUM ROWS SELECT SESSION SET SHARE SIZE SMALLINT START SUCCESSFUL SYNONYM SYSDATE "
    "TABLE THEN TO TRIGGER UID UNION UNIQUE UPDATE USER VALIDATE VALUES VARCHAR VARCHAR2 VIEW WHENEVER WHERE WITH"
)
RESERVED = frozenset(_WORDS.split())
"""Words that Oracle does not take as names, although the parser does."""
LONGEST = 30
"""Characters of a name that every version of Oracle takes."""


class SqlError(Exception):
    """A text that is no query. `line` is that of the text, from 1."""

    def __init__(self, line: int) -> None:
        super().__init__("no query")
        self.line = line


@dataclass(frozen=True, slots=True, order=True)
class Field:
    """A field of a table of PowerSchool, in capitals."""

    table: str
    name: str

    @classmethod
    def of(cls, text: str) -> Field | None:
        """The field that `TABLE.FIELD` names, None for anything else."""
        found = re.fullmatch(r"\s*([A-Za-z]\w*)\.([A-Za-z]\w*)\s*", text, re.ASCII)
        return cls(found[1].upper(), found[2].upper()) if found else None

    def __str__(self) -> str:
        return f"{self.table}.{self.name}"


class Query:
    """One query. Raises `SqlError` when the text is none."""

    def __init__(self, text: str) -> None:
        try:
            trees = sqlglot.parse(_HOOK.sub("", text), read="oracle")
        except sqlglot.errors.ParseError as error:
            raise SqlError(int(error.errors[0].get("line") or 1) if error.errors else 1) from None
        except sqlglot.errors.SqlglotError:
            raise SqlError(1) from None
        if len(trees) != 1 or not isinstance(trees[0], exp.Query):
            raise SqlError(1)
        self.tree: exp.Query = trees[0]

    @property
    def columns(self) -> list[str]:
        """The names of the columns it gives, '' for one that has none."""
        return [each.alias_or_name for each in self.tree.selects]

    @property
    def has_star(self) -> bool:
        """Whether a `*` makes its columns depend on the server."""
        return any(isinstance(each, exp.Star) or (isinstance(each, exp.Column) and isinstance(each.this, exp.Star))
                   for each in self.tree.selects)  # fmt: skip

    @property
    def has_order(self) -> bool:
        """Whether its rows come in an order of its own making."""
        return self.tree.args.get("order") is not None

    @property
    def binds(self) -> set[str]:
        """The names of the arguments it asks for, as `:name`."""
        return {each.name for each in self.tree.find_all(exp.Placeholder) if each.name}

    @property
    def misnamed(self) -> set[str]:
        """Names given in it that Oracle does not take: reserved words without quotes, and names that are too long."""
        given = (
            each for each in self.tree.find_all(exp.Identifier) if isinstance(each.parent, exp.Alias | exp.TableAlias)
        )
        return {each.name for each in given if len(each.name) > LONGEST
                or (each.name.upper() in RESERVED and not each.args.get("quoted"))}  # fmt: skip

    @cached_property
    def _scopes(self) -> list[Scope]:
        return list(traverse_scope(self.tree))

    @cached_property
    def tables(self) -> set[str]:
        """The tables that it reads, in capitals."""
        return {source.name.upper() for scope in self._scopes for source in scope.sources.values()
                if isinstance(source, exp.Table)} - {"DUAL"}  # fmt: skip

    @cached_property
    def fields(self) -> set[Field]:
        """The fields that it reads, wherever in it."""
        return {found for scope in self._scopes for each in scope.columns if (found := self.field(each, scope))}

    @cached_property
    def unsettled(self) -> set[str]:
        """Names of columns of which it cannot be told what table they are of."""
        return {
            each.name for scope in self._scopes for each in scope.columns
            if not each.table and each.name.upper() not in _PSEUDO and len(scope.sources) != 1
            and not _is_own_column(each, scope)
        }  # fmt: skip

    def field(self, column: exp.Column, scope: Scope) -> Field | None:
        """The field that a column stands for, None when it is one that the query made itself."""
        source = _source(column, scope)
        if isinstance(source, exp.Table) and column.name.upper() not in _PSEUDO:
            return Field(source.name.upper(), column.name.upper())
        return None

    def origin(self, column: exp.Column, scope: Scope) -> Field | None:
        """The field that a column stands for, also through subqueries that hand it on unchanged."""
        seen = 0
        while (source := _source(column, scope)) is not None and seen < 50:
            if not isinstance(source, Scope):
                return self.field(column, scope)
            inner = next((each.unalias() for each in _selected(source)
                          if each.alias_or_name.upper() == column.name.upper()), None)  # fmt: skip
            if not isinstance(inner, exp.Column):
                return None
            column, scope, seen = inner, source, seen + 1
        return None

    def comparisons(self) -> Iterator[tuple[Field, Field, Scope]]:
        """Fields that must be equal, in pairs, each with where it is said."""
        for scope in self._scopes:
            for each in scope.find_all(exp.EQ):
                if isinstance(each.left, exp.Column) and isinstance(each.right, exp.Column):
                    left, right = self.origin(each.left, scope), self.origin(each.right, scope)
                    if left and right:
                        yield left, right, scope


def _source(column: exp.Column, scope: Scope) -> exp.Expr | Scope | None:
    if not column.table:
        return (
            next(iter(scope.sources.values()))
            if len(scope.sources) == 1 and not _is_own_column(column, scope)
            else None
        )
    here: Scope | None = scope
    while here is not None:
        for alias, source in here.sources.items():
            if alias.upper() == column.table.upper():
                return source
        here = here.parent
    return None


def _is_own_column(column: exp.Column, scope: Scope) -> bool:
    """Whether it is an alias of the query itself, as in ORDER BY."""
    return column.find_ancestor(exp.Order) is not None and column.name.upper() in {
        each.alias_or_name.upper() for each in _selected(scope) if isinstance(each, exp.Alias)
    }


def _selected(scope: Scope) -> list[exp.Expr]:
    return scope.expression.selects if isinstance(scope.expression, exp.Query) else []
