"""A lesson planner: schools, teachers, school years, classes, students and class members in a database."""
