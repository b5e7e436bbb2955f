"""How a locomotive and its train behave, stepped on a fixed grid (docs/physics.md).

Forces in kN, masses in t, speeds in km/h where they are shown and m/s where they are integrated,
pressures in kPa above the atmosphere, temperatures in °C, time in s.
"""
