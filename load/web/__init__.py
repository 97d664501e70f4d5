"""The live page beside Locust's own, and a tab in Locust's: what the servers cost, while it happens.

    poller ─▶ rates ─▶ point_history ─▶ routes ◀─ the browser polls                                what is shown
    commands ─▶ controller ─▶ locust_events, campaign_task, flame_graphs, report_jobs              what is done

Its rule: the browser draws and asks; everything is decided, checked and kept here. Nothing is fetched from elsewhere.
"""
