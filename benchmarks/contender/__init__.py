"""Those that are compared, one a module: `run(course)` yields its figures, `missing()` says why it cannot take part."""
