"""District files: reading them, checking them as a whole, and fetching the secrets that they refer to."""
