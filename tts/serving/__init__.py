"""This package is the speech service: voices behind an HTTP interface, with a queue and a store."""
