"""OneRoster CSV, versions 1.1 and 1.2, as an export: what others read of the roster, whole or as changes."""
