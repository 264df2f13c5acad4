"""How each exchange is played back: a module for each, named as the exchange."""
