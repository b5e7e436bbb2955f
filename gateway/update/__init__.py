"""New firmware for nodes in the field.

bundle      the file it comes in: list of files, contents, signature
progress    how far an update is, as data
conversation  one node and one bundle, from the first question to the proof
updating    a job: one bundle, some nodes, one at a time
store       what of a job outlasts the gateway's own restart
cli         `axlebox gateway update`
"""
