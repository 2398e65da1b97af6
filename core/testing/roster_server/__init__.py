"""A OneRoster server for tests: real HTTP on the loopback, versions 1.1 and 1.2, any roster, every known fault.

    from syncrun.testing.roster_server import RosterServer

    with RosterServer.from_files("roster.zip", key="k", secret="s") as server:
        server.faults.failing = 0.05
        ...
        assert server.requests.tokens == 0

`syncrun testserver DIR` serves it from the command line.
"""

from syncrun.testing.roster_server.access import Access, Bearer, Open
from syncrun.testing.roster_server.asked import Asked
from syncrun.testing.roster_server.fault import Faults, Switch, faults_of, switches
from syncrun.testing.roster_server.log import Entry, Figures
from syncrun.testing.roster_server.oauth1 import OAuth1
from syncrun.testing.roster_server.oauth2 import OAuth2
from syncrun.testing.roster_server.page import Rules
from syncrun.testing.roster_server.roster import Roster
from syncrun.testing.roster_server.server import RosterServer
from syncrun.testing.roster_server.version import Version

__all__ = [
    "Access", "Asked", "Bearer", "Entry", "Faults", "Figures", "OAuth1", "OAuth2", "Open", "Roster", "RosterServer",
    "Rules", "Switch", "Version", "faults_of", "switches",
]  # fmt: skip
