"""Pages over HTTP, served in the loop of the program that they tell of. The only part that knows aiohttp.

It takes 0.2 s to import: whoever may do without pages imports it when pages are wanted.
"""
