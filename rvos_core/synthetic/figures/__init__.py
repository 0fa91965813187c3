"""The things that appear in the street world: each knows its look, its extent and how to draw itself with a pen."""
