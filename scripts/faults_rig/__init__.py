"""Faults under the real recorder, and what each costs at each venue; the oracle is its own."""
