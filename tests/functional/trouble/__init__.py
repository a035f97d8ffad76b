"""What becomes of fanouts when connections, servers and stores fail in the middle: with the real failure, each time."""
