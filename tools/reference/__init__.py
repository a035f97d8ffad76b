"""What man pages, completion and the documentation say about commands and options, taken from the program itself.

`commands` and `settings` read the parser of the command line and the options of the configuration into plain values;
`roff` and `markdown` write them down. Nothing is needed but what gearhorn itself needs (completion: shtab).
"""
