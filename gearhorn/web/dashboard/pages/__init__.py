"""The pages: what is on each, for the template that shows it and for the JSON beside it."""
