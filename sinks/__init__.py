"""Sinks: where rosters go."""
