"""The time loops: one folder an operator, ``reference.py`` in each is the truth.

A faster kernel is a further file in the operator's folder, chosen in its ``__init__``; the callers
do not change.
"""
