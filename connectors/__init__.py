"""Connectors: where rosters come from."""
