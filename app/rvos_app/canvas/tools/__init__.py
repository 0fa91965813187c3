"""What a person draws with: one small class per tool, fed by `drawing_canvas`, understood by `controllers.drawing`."""
