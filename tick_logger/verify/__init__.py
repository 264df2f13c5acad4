"""What is on disk, checked against what was promised.  Changes nothing."""
