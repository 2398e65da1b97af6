"""A small district that is made up, and what happens to it in two days."""
