"""Annotation formats: one file each, with read and write, streaming frame by frame."""
