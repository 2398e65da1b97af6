"""What after what, between districts: whether a scheduled run may begin, and whether two would overlap."""
