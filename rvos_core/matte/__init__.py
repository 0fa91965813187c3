"""From masks to mattes: soft edges, refinement on the picture, straight colours, effects. No Qt, no torch, no PyAV."""
