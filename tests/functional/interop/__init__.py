"""Clients that others wrote, in the languages of their users: each subscribes, publishes and receives.

The programs in `programs/` are called alike: `request`, `submit` or `receive`, then host, port and queue, and for the
first two the body. `request` prints the job's answer; `submit` is a background job and prints nothing; `receive` takes
one job and answers it with its payload behind `got `.
"""
