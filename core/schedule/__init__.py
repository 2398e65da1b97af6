"""When a district runs: schedules, the arithmetic of their next run, and the timetable that the state keeps of them.

What is to be done at that moment is not known here, and neither is who does it.
"""
