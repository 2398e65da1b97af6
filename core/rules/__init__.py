"""Findings on landed tables: cells, rows, references, and whether a file is whole."""
