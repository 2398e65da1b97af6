"""What our own tests use and plug-in authors may: a clock that can be set, a PostgreSQL that starts itself, districts."""
