"""Shape, diff, judge: the plan, whole and hashed, before anything is written."""
