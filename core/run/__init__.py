"""A run from its first look at the source to its last word: the phases, in one direction."""
