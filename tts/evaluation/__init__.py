"""How good a voice is: it is compared with recordings and with other engines."""
