"""Tests of the compiled core, and of the adapters with it and without it."""
