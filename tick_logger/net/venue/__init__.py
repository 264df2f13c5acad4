"""Records one exchange: follows its listing, and plans which connection carries what."""
