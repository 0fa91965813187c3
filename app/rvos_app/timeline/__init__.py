"""The timeline: ruler, filmstrip, object lanes, in and out, playhead."""
