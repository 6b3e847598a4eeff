"""This room holds the callbacks that watch a training and warn, stop it or roll it back."""
