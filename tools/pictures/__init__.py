"""Draws the pictures of the documentation as SVG: `make generated` writes them into doc/pictures.

They look right by themselves, light or dark as the reader's machine is, and within a page of the site in its colours.
"""
