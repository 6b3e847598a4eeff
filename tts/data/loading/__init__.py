"""Turns stored features into batches."""
