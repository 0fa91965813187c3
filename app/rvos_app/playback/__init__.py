"""Playback: frames and sound in step with one clock."""
