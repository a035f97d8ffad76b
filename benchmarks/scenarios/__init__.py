"""The scenarios of the suite, one module each."""
