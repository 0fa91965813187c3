"""The command line, `rvos ...`: the only place of the core that prints."""
