"""Commands of ours that are measured: small modules that import nothing but what the work itself needs.

Each prints the seconds of its parts as one line of JSON.
"""
