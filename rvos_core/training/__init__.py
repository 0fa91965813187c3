"""Training of referring models: matcher, losses, data from the street world, one readable loop."""
