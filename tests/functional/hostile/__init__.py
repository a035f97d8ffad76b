"""Hostile jobs through real servers to a real worker."""
