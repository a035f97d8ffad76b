"""gear's Gearman server, mended: what it lets in, what it answers, and who may do what."""
