"""What is going on in the whole system, as one picture: for `gearhorn status`, `top`, `doctor` and the web page."""
