"""From entries of the journal to files, the one way; recovery is the same way once more.

No trio, no clock.  Not here: when to derive (`recording`).
"""
