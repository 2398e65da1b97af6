"""A PowerSchool server for benchmarks: `python -m benchmarks.worker.powerschool_serve STUDENTS` prints its address and
serves until its input ends."""

from __future__ import annotations

import sys

from syncrun.testing.powerschool_server import PowerSchoolServer

PREFIX = "com.example.bench"
SEATS = 8
"""Enrollments a student."""


def main() -> None:
    """Serve."""
    students = int(sys.argv[1])
    users = ({"sourcedid": f"S{n}", "orgsourcedids": str(n % 20), "role": "student", "givenname": f"Given{n}",
              "familyname": f"Family{n}", "email": f"s{n}@example.org", "username": f"s{n}", "grades": "05"}
             for n in range(students))  # fmt: skip
    classes = (
        {"sourcedid": f"C{n}", "title": f"Class {n}", "schoolsourcedid": str(n % 20)} for n in range(students // 10)
    )
    seats = ({"sourcedid": f"E{n}-{m}", "classsourcedid": f"C{(n + m) % (students // 10)}", "schoolsourcedid": str(n % 20),
              "usersourcedid": f"S{n}", "role": "student"} for n in range(students) for m in range(SEATS))  # fmt: skip
    rows = {"users": users, "classes": classes, "enrollments": seats}
    with PowerSchoolServer({f"{PREFIX}.oneroster.{name}": found for name, found in rows.items()}) as server:
        server.traps.numbers = "text"
        print(server.base_url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
