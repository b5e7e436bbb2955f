"""The depot station: it makes nodes of boards that are plugged in, and says PASS or what to do.

A board that is plugged in sits in a slot, which the path of its USB socket names (slots.py). Of a
board the rest of the station knows what `board.Board` offers: its files, its facts, its prompt.
"""
