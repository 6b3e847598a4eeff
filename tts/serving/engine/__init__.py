"""This package turns requests into sound: one thread speaks, in an order that is fair.

It knows no HTTP and no database. Import its modules one by one: ``limits``, ``errors`` and
``request`` need no torch.
"""
