"""Looks for what keeps a configuration from recording: this machine, its clock, and each venue."""
