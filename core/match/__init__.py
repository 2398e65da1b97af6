"""Which record of the source is which record of the sink: decisions of people, and links by identifier."""
