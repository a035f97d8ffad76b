"""What `gearhorn status` and `gearhorn top` show: one picture of the system, as a screen or as lines."""
