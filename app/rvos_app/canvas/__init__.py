"""The video view: a frame, its overlays, zoom and pan."""
