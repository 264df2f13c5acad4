"""From rows to sorted rows: de-duplication, order, holes.  Pure: no trio, no clock, no disk."""
