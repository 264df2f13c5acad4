"""The way to the disk while it is recorded: tasks on trio around the journal and the derivation."""
