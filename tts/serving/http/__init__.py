"""This package answers HTTP: one router for each family of routes, and what they have in common."""
