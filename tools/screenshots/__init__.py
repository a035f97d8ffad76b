"""Screenshots for the documentation: of the dashboard in a browser, and of commands at a terminal."""
