"""Simulated exchanges on loopback, for the demo and the tests.  Never imported by the service."""
