"""What is generated from the program: man pages, completion, tables of the documentation. See tools/reference."""
