"""Tests of what is played from a journal."""
