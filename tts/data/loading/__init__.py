"""Loading: from stored features to batches."""
