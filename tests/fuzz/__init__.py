"""Hostile input: made from a seed, so that whatever is found can be made again.

`python -m tests.fuzz --help` for more of it than the tests have time for.
"""
