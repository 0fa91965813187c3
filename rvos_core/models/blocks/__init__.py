"""Parts that the models are built from, one concept a file."""
