"""Computes features of recordings and texts once, and stores them on disk."""
