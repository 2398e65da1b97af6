"""ClassLink Roster Server, and any other OneRoster REST service, versions 1.1 and 1.2."""
