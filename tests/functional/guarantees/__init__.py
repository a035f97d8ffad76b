"""The rows of doc/guarantees.md, one test each, with the real failure."""
