"""What became of each row: reports per file, and the story of one person. Queries over a run's files, made when asked."""
