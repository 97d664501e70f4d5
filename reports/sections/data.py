"""The data of this report, to download."""

from markupsafe import Markup

from reports.export.attachments import RECORD_ID, downloads, record
from reports.run_data import RunData
from reports.templating import embedded_json, fragment

TITLE = "Download the data"
ORDER = 135
HINT = "the rounds as CSV, the records as JSON"


def render(run: RunData) -> Markup:
    return fragment(
        "data.html",
        downloads=list(downloads(run)),
        record=embedded_json(record(run.run)),
        record_id=RECORD_ID,
        name=run.run.name,
        paced=run.paced is not None,
    )
