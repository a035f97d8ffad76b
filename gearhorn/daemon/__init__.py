"""The service as a whole: its parts, put together, and its life."""
