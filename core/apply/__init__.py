"""Carrying out a plan: in order, in chunks, fenced, resumable; and what became of each change."""
