"""Writes the containers of sound where libsndfile cannot: headers, tags and chapters."""
