"""Dialogs. All are opened without a loop of their own, so that nothing waits for them."""
