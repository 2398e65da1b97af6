"""Sinks that are a relational database: give your tables, `SqlSink` does the writing on SQLite and PostgreSQL."""
