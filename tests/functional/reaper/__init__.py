"""Subscribers that vanish, on real servers."""
