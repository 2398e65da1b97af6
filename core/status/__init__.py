"""How all districts stand: what ran, what comes next, what waits for a person."""
