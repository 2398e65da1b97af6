"""Benchmarks: syncrun beside its peers on one made-up district, in one run. See README.md in this folder."""
