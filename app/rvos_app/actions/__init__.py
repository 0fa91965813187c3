"""Commands of the studio. One record says what a command is called, where it stands, its keys and when it can run."""
