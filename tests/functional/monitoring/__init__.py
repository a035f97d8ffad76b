"""What a worker tells of itself: its figures against the truth, what is down, and who is told."""
