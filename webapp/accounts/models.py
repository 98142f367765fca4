"""People, teams and what they sign in with."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone

from webapp.ids import LENGTH, new_id


class Role(models.TextChoices):
    """In rising order: each may do what the ones before it may."""

    VIEWER = "viewer"
    EDITOR = "editor"
    MAINTAINER = "maintainer"
    OWNER = "owner"


class UserQuerySet(BaseUserManager):
    def create_user(self, email: str, password: str | None = None, *, name: str = "") -> User:
        user = self.model(email=self.normalize_email(email).lower(), name=name)
        user.set_password(password)  # None: no password works until one is set by a link
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=100, blank=True)
    is_active = models.BooleanField(default=True)
    joined = models.DateTimeField(default=timezone.now)

    objects = UserQuerySet()
    USERNAME_FIELD = "email"

    def __str__(self) -> str:
        return self.name or self.email


class Team(models.Model):
    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    slug = models.SlugField(unique=True, max_length=50)
    name = models.CharField(max_length=100)
    created = models.DateTimeField(default=timezone.now)
    members = models.ManyToManyField(User, through="Membership", related_name="teams")

    def __str__(self) -> str:
        return self.name

    def title_among(self, teams: Iterable[Team]) -> str:
        """The name; with the address where others of these teams would look the same."""
        alike = sum(team.name.casefold() == self.name.casefold() for team in teams)
        return f"{self.name} ({self.slug})" if alike > 1 else self.name


class Membership(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "team"], name="one_role_per_team")]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.team}"


def digest(secret: str) -> str:
    """What is stored of a random 256-bit secret: no salt is needed at that entropy."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Link(models.Model):
    """A one-time link: a first sign-in, an invitation to a team, or a password reset."""

    class Purpose(models.TextChoices):
        SIGN_IN = "sign_in"
        INVITE = "invite"
        RESET = "reset"

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    secret_hash = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="links")
    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE, related_name="links")
    role = models.CharField(max_length=10, choices=Role.choices, blank=True)
    email = models.EmailField(blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created = models.DateTimeField(default=timezone.now)
    expires = models.DateTimeField()
    used = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.purpose} link {self.id}"

    @classmethod
    def make(cls, purpose: str, *, lasts: timedelta, **fields: object) -> tuple[Link, str]:
        """The link and its secret, which is shown once and never stored."""
        secret = secrets.token_urlsafe(32)
        link = cls.objects.create(
            purpose=purpose, secret_hash=digest(secret), expires=timezone.now() + lasts, **fields
        )
        return link, secret


class Token(models.Model):
    """An API token; acts as its user, within its scope."""

    class Scope(models.TextChoices):
        READ = "read"
        WRITE = "write"

    id = models.CharField(primary_key=True, max_length=LENGTH, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)  # shown, so that a person knows which is which
    secret_hash = models.CharField(max_length=64, unique=True)
    scope = models.CharField(max_length=5, choices=Scope.choices, default=Scope.WRITE)
    created = models.DateTimeField(default=timezone.now)
    expires = models.DateTimeField(null=True)
    last_used = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class Attempts(models.Model):
    """Failed sign-ins per key (an address or an e-mail), for the throttle."""

    key = models.CharField(primary_key=True, max_length=64)  # a digest: no address is stored
    failures = models.PositiveIntegerField(default=0)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "attempts"

    def __str__(self) -> str:
        return f"{self.failures} failures"
