"""The command `gearhorn`: one module for each subcommand, or for a few that are of a kind."""
