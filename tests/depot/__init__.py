"""The depot station at length: many boards, and a flashing cut off at each step."""
