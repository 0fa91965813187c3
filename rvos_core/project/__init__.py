"""The document: clips, objects, expressions, masks, runs and their whole history in one file. No Qt, no torch."""
