"""The engines of Tenfold: ten research methods behind one door, `python -m engine`.

Nothing in this package knows of Django, of the web application or of its workers.
"""
