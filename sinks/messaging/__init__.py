"""A school's messaging app: classrooms, their members, guardians, and invitations that wait to be sent."""
