"""OneRoster CSV, versions 1.1 and 1.2, from a folder or a zip archive."""
