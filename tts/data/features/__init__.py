"""Features: what is computed of recordings and texts once, and kept on disk."""
