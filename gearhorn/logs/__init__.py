"""What is said in the log, and how: events with names and fields, as text for people and as JSON for machines."""
