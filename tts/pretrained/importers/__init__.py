"""Importers: checkpoint files of other projects, read without running code from them."""
