"""The bench: scenarios on a locomotive in software, and what came of them."""
