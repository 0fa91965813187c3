"""Data that ships with RVOS Studio: weights, demo clip, icons, themes, translations."""
