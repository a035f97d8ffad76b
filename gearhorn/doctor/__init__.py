"""The check-up: tries everything that the service needs, and says of each finding what to do about it."""
