"""--web-login: one name and one password, for Locust's pages and ours.

Its rule: the password comes from the environment, never from the command line, which everybody on the machine can read.
After a wrong one nobody's password is looked at for a while, which doubles from one wrong password to the next: so many
requests at once try no more of them than one after the other.
"""

import hmac
import math
import os
import secrets

import flask
from flask_login import UserMixin, login_user
from locust.web import WebUI

from errors import UsageError
from load.web.patience import Patience

NAME_VARIABLE = "BENCH_WEB_USER"
PASSWORD_VARIABLE = "BENCH_WEB_PASSWORD"
DEFAULT_NAME = "bench"


class _User(UserMixin):  # type: ignore[misc]  # flask-login has no types
    def __init__(self, name: str) -> None:
        self.id = name


def require_login(web_ui: WebUI, base: str, path: str) -> None:
    """Add the login, if --web-login was given. base: of Locust's UI. path: takes the form. Raises UsageError without a
    password."""
    if not web_ui.web_login:
        return
    name, password = os.environ.get(NAME_VARIABLE, DEFAULT_NAME), os.environ.get(PASSWORD_VARIABLE, "")
    if not password:
        raise UsageError(
            f"--web-login needs a password in the variable {PASSWORD_VARIABLE} (and, optionally, a name in "
            f"{NAME_VARIABLE}; the default is {DEFAULT_NAME!r})"
        )
    app = web_ui.app
    assert app is not None
    app.secret_key = secrets.token_bytes(32)  # after a restart everybody logs in again
    app.config.update(SESSION_COOKIE_SAMESITE="Strict", SESSION_COOKIE_HTTPONLY=True)
    web_ui.auth_args = {"username_password_callback": path}
    web_ui.login_manager.user_loader(lambda known: _User(known) if known == name else None)

    patience = Patience()

    @app.route(path, methods=["POST"])
    def log_in() -> flask.typing.ResponseReturnValue:
        given = (flask.request.form.get("username", ""), flask.request.form.get("password", ""))
        if left_s := math.ceil(patience.left_s):
            flask.session["auth_error"] = f"Too many wrong passwords: try again in {left_s} s"
            return flask.redirect(f"{base}/login")
        pairs = zip(given, (name, password), strict=True)
        right = all(hmac.compare_digest(a.encode("utf-8", "replace"), b.encode()) for a, b in pairs)
        patience.note(right)
        if right:
            login_user(_User(name))
            return flask.redirect(f"{base}/")
        flask.session["auth_error"] = "Wrong name or password"
        return flask.redirect(f"{base}/login")
