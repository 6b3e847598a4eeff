"""Publishes a trained voice: weights, configuration, card, curve and sounds, in a folder or a hub.

It is the command ``python -m tts.publish``. ``preflight`` finds mistakes at once; ``sources`` finds
the checkpoints and what their runs have noted; ``evaluation_report`` reads what an evaluation
found; ``curve``, ``sounds`` and ``card`` make the files; ``recipe.publish`` calls them in their
order, and ``push`` carries the folder to the hub.
"""
