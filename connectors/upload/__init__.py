"""For districts whose files are brought by hand: there is nothing to fetch."""
