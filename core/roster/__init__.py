"""The canonical roster: entities, columns, vocabularies and references, after OneRoster 1.2."""
