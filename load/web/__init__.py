"""The live bench: a page beside Locust's own, and a tab in it, of what the servers pay while it happens.

    watch ─▶ points ─▶ history ─▶ routes ◀─ the browser polls        what is seen
    wishes ─▶ desk ─▶ loads, campaigns, flames, reporting            what is done

Its rule: the browser draws and asks; everything that counts is decided, kept and checked here. No address outside.
"""
