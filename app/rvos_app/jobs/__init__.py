"""Work off the GUI thread: one queue per kind of work, each with one thread that lives as long as the window."""
