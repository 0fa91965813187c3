"""The parts of the window beside the picture. Each shows the state and turns wishes into signals or commands."""
