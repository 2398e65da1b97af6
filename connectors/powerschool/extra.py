"""The libraries of `syncrun[powerschool]`: a parser of Oracle's SQL, and a validator of XML schemas.

Importing this module raises `UsageError` with what to install where they are missing: few installations make plug-ins.
"""

from __future__ import annotations

from syncrun.errors import UsageError

try:
    import sqlglot
    import xmlschema
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope, traverse_scope
    from xmlschema.validators.exceptions import XMLSchemaChildrenValidationError
except ImportError as missing:
    raise UsageError(
        "What is needed to make and to check plug-ins of PowerSchool is not installed.",
        next_step="Install it with: pip install 'syncrun[powerschool]'",
    ) from missing

__all__ = ["Scope", "XMLSchemaChildrenValidationError", "exp", "sqlglot", "traverse_scope", "xmlschema"]
