"""What moves: flow without the camera's part, moving things as tracks, and the sentence that picks one of them."""
