"""Subscribers that are gone while their queues grow: found by one worker for all, reported, and dealt with."""
