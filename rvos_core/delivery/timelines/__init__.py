"""Timeline files that place what was delivered above its source: FCPXML, Final Cut Pro 7 XML, OpenTimelineIO."""
