"""One module per referring system; blocks they share live in `blocks`."""
