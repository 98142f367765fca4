"""A bench of its own process for looking at pages: staged rows, and a real job of each method.

    python -m tests.browser.server PORT

TENFOLD_HOME and TENFOLD_METHODS come from the environment. The first line of its output says
what stands on the stage and as whom to come in; then it serves until it is stopped.
"""

from __future__ import annotations

import json
import os
import sys

import django


def main(port: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client

    from tests.browser import stage as staging
    from webapp.accounts.models import Membership, Team, User

    call_command("migrate", verbosity=0)
    team = Team.objects.create(slug="lab", name="Lab")
    owner = User.objects.create_user("owner@example.org", "correct horse battery", name="Owner")
    Membership.objects.create(user=owner, team=team, role="owner")
    names = staging.build(team, owner).names()
    client = Client()
    client.force_login(owner)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    about = {"names": names, "cookie": [settings.SESSION_COOKIE_NAME, cookie]}
    print(json.dumps(about), flush=True)  # noqa: T201
    call_command("serve", host="127.0.0.1", port=port, no_migrate=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
