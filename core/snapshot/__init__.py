"""What was accepted before, and how what arrives is merged into it."""
