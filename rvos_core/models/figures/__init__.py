"""Figures of the networks for the documentation, drawn from what runs: boxes, arrows, shapes and numbers of parameters.

`python -m rvos_core.models.figures docs/models` draws every figure of the pages again. Nothing in a figure is kept by
hand but the list of modules that make a box (`parts.py`).
"""
