"""Makes the first user, team and project, and prints a one-time link to sign in with.

Safe to run at every start: as long as nobody has signed in it prints a fresh link, later
only where to sign in. `--link` makes one for an account whose owner is locked out.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse

from webapp.accounts import links, teams
from webapp.accounts.models import Link, User
from webapp.addresses import public_address

DEFAULT_EMAIL = "you@localhost"


class Command(BaseCommand):
    help = "Makes the first user if there is none, and prints how to sign in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", help=f"of the first user (default {DEFAULT_EMAIL})")
        parser.add_argument("--base", help="address under which the bench is reached")
        parser.add_argument(
            "--link", action="store_true", help="a sign-in link for the account of --email"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        base = (options["base"] or public_address(settings.HOST, settings.PORT)).rstrip("/")
        email = (options["email"] or DEFAULT_EMAIL).strip().lower()
        user = self._locked_out(email) if options["link"] else first_user(email)
        if user is None:
            self.stdout.write(f"Sign in at {base}{reverse('sign-in')}")
            return
        self.stdout.write(f"Sign in once as {user.email}: {links.address(fresh(user), base)}")

    def _locked_out(self, email: str) -> User:
        try:
            return User.objects.get(email=email, is_active=True)
        except User.DoesNotExist:
            raise CommandError(f"--email: an account was expected, there is no {email}") from None


def first_user(email: str) -> User | None:
    """The one who waits for a first sign-in, made now if the bench is empty; else nobody."""
    with transaction.atomic():
        if not User.objects.exists():
            try:
                validate_email(email)
            except ValidationError:
                raise CommandError(f"--email: an e-mail was expected, got {email!r}") from None
            user = User.objects.create_user(email, name="")
            teams.create(user, "Lab")
            return user
        if User.objects.filter(last_login__isnull=False).exists():
            return None
        return User.objects.order_by("joined").first()


def fresh(user: User) -> str:
    """The secret of a new link; the ones before it stop to work."""
    with transaction.atomic():
        Link.objects.filter(user=user, purpose=Link.Purpose.SIGN_IN, used=None).delete()
        return Link.make(Link.Purpose.SIGN_IN, lasts=links.SIGN_IN_LASTS, user=user)[1]
