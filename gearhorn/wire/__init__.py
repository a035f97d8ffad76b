"""The Gearman protocol as a value: bytes in, events out; commands in, bytes out.

Two rules say what may not enter this folder: nothing that waits or looks at the world (no socket, clock, logger,
randomness, await), and nothing that knows what a topic or a subscriber is.
"""
