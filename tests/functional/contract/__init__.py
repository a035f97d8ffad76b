"""The contract, promise by promise, asked of the real service over raw connections.

Every test runs on each combination of a Gearman server and a store (`house.py`). Where one of the servers cannot do a
thing, the test says what it does instead. Perl's server, which can do less, has a file of its own.
"""
