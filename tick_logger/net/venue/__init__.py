"""One exchange at work: its listing, and which connection carries what."""
