"""Everything a plug-in author imports, in one flat list. It knows nothing of the engine."""

from __future__ import annotations

import pluggy

from syncrun.errors import (
    AuthError,
    ConfigError,
    ContractError,
    FenceError,
    InputError,
    NoDeltasError,
    OwnerError,
    Problem,
    RateLimitedError,
    StartOverError,
    SyncError,
    TransientError,
)
from syncrun.sdk.fold import folded
from syncrun.sdk.info import API, Cap, CommandInfo, ConnectorInfo, MatcherInfo, Stage
from syncrun.sdk.match import FEATURES, Form, Matcher, MatchKind, Record, Score
from syncrun.sdk.record import Deltas, Mark, Page, RecordSource
from syncrun.sdk.setting import DatabaseUrl, Secret, SecretText
from syncrun.sdk.sink import (
    Action,
    Batch,
    BulkSink,
    Change,
    Chunk,
    Claim,
    Column,
    Constant,
    LedgerEntry,
    Observed,
    Outcome,
    Ref,
    Remark,
    RowSink,
    Sink,
    Table,
    Whole,
    WholeSink,
)
from syncrun.sdk.source import Context, Drawn, FileColumn, FileKind, FileSet, FileSource, Format, TextForm
from syncrun.sdk.view import Objection, PlanView, RunView

hookimpl = pluggy.HookimplMarker("syncrun")
"""Marks a function of a plug-in's module as a hook of `syncrun`."""

__all__ = [
    "API",
    "FEATURES",
    "Action",
    "AuthError",
    "Batch",
    "BulkSink",
    "Cap",
    "Change",
    "Chunk",
    "Claim",
    "Column",
    "CommandInfo",
    "ConfigError",
    "ConnectorInfo",
    "Constant",
    "Context",
    "ContractError",
    "DatabaseUrl",
    "Deltas",
    "Drawn",
    "FenceError",
    "FileColumn",
    "FileKind",
    "FileSet",
    "FileSource",
    "Form",
    "Format",
    "InputError",
    "LedgerEntry",
    "Mark",
    "MatchKind",
    "Matcher",
    "MatcherInfo",
    "NoDeltasError",
    "Objection",
    "Observed",
    "Outcome",
    "OwnerError",
    "Page",
    "PlanView",
    "Problem",
    "RateLimitedError",
    "Record",
    "RecordSource",
    "Ref",
    "Remark",
    "RowSink",
    "RunView",
    "Score",
    "Secret",
    "SecretText",
    "Sink",
    "Stage",
    "StartOverError",
    "SyncError",
    "Table",
    "TextForm",
    "TransientError",
    "Whole",
    "WholeSink",
    "folded",
    "hookimpl",
]
