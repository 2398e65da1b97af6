"""Runs that begin by themselves, on one machine: at their scheduled times, when files have come, and once more after what
went by.

    service.py     what is to begin now, and what becomes of what ended
    shelf.py       the district files, read anew when they change
    watch.py       the files that came
    again.py       whether and when a run is tried again
    executor.py    who carries a run out: the seam for other ways than processes of this machine
    process.py     runs as child processes, with limits
    log.py         what is written to the log
"""
