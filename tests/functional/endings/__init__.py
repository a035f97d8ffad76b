"""Every job gets exactly one ending, or goes back to its server with the connection: counted packet by packet."""
