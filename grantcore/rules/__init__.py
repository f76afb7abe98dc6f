"""What may happen: one chapter of the life per module.

Every rule is a function that looks, refuses or decides, and writes nothing. What it decides is a
:data:`grantcore.rules.change.Change`; its ``write_…`` twin stores that, and may be repeated.
"""
