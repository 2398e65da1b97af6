"""CSV files in whatever form a receiver wants them: files, columns and words are settings."""
