"""Our sendfile against nginx's, at its best (opponents.py), in server CPU seconds per GiB under the same users.

Its rule: the master and the worker count. Beside ours stands the least that Python can serve with (bare_server.py):
what that pays more than nginx is Python's, and where it pays more than the bound, it is the bound.
"""

from tests.bench import opponents
from tests.bench.contests import Contest, Outcome, add_contest, campaign, new_contest_table
from tests.bench.field import Field
from units import MIB, format_size

BOUND_LARGE, BOUND_MIB = 1.03, 1.05
SENDFILE, READ = opponents.NGINX


def outcome(field: Field) -> Outcome:
    if opponents.find_nginx() is None:
        return Outcome(sentences=[f"skipped: {opponents.NO_NGINX}"])
    result = Outcome([new_contest_table(f"Against {opponents.nginx_version()}, server CPU seconds per GiB")])
    for size_bytes, bound in ((field.large_bytes, BOUND_LARGE), (MIB, BOUND_MIB)):
        size = format_size(size_bytes)
        records = campaign(field, size_bytes, (SENDFILE, opponents.BARE, "sendfile"), judged=True)
        bare = add_contest(result, f"bare sendfile, {size}", Contest(opponents.BARE, SENDFILE, None), records)
        contest = Contest("sendfile", SENDFILE, max(bound, bare.ratio))
        add_contest(result, f"sendfile, {size}", contest, records)
        records = campaign(field, size_bytes, (READ, "read-send"), judged=False)
        add_contest(result, f"read-send, {size}", Contest("read-send", READ, None), records)
    return result
