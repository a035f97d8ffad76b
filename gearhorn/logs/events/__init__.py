"""Every event that the package may tell of, a module for each subject. A module names no part of the program."""
