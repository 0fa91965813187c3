"""The Qt application of RVOS Studio. Nothing here imports torch at module level."""
