"""The connector's own settings in a district file."""

from __future__ import annotations

from marshmallow import Schema


class ByHandSettings(Schema):
    """There are none."""
