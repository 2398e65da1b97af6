"""Telling people that they are needed: what is told, and how it gets to them. No child's data is in it."""
