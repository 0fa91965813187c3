"""RVOS Studio's core: media, masks, models, inference. No Qt; torch only where a model is."""

__version__ = "0.1.0"
