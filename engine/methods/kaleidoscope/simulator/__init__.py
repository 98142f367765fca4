"""RTL simulators: which there are (tools), what they simulate (design), binaries (build), runs.

No text of a user reaches a command line: commands are made of constants of ours and of file names
that this package chooses; what varies from job to job is read by the bench from its own folder.
"""
