"""Forms of the account and team pages. What a service refuses lands beside its field."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from webapp.accounts.models import Role, Token, User
from webapp.accounts.tokens import MAX_DAYS
from webapp.refused import Refused, stray

LONGEST_NAME = 100  # characters
MAX_PASSWORD = 1000  # characters: hashing time grows with it


def _password(autocomplete: str, label: str = "Password") -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=MAX_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
    )


def _email(label: str = "E-mail", **options: Any) -> forms.EmailField:
    return forms.EmailField(
        label=label,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
        **options,
    )


class Refusable(forms.Form):
    ids = "field"  # begins the ids of its fields: several forms share a page

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, auto_id=f"{self.ids}-%s", **kwargs)

    def refuse(self, refused: Refused) -> None:
        for where, words in refused.faults:
            if where in self.fields:
                self.add_error(where, words)
            else:
                self.add_error(None, f"{where}: {words}")


class SignIn(Refusable):
    email = _email()
    password = _password("current-password")


class NewPassword(Refusable):
    ids = "password"
    password = _password("new-password", "New password")


class ChangePassword(NewPassword):
    """Asks for the old one, where there is one: a first sign-in by a link leaves none."""

    old = _password("current-password", "Present password")
    field_order = ("old", "password")

    def __init__(self, user: User, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.user = user
        if not user.has_usable_password():
            del self.fields["old"]

    def clean_old(self) -> str:
        if not self.user.check_password(self.cleaned_data["old"]):
            raise ValidationError("Expected: your present password.")
        return self.cleaned_data["old"]

    def clean_password(self) -> str:
        validate_password(self.cleaned_data["password"], self.user)
        return self.cleaned_data["password"]


def _one_line(text: str) -> None:
    if words := stray(text):
        raise ValidationError(words)


def _name(**options: Any) -> forms.CharField:
    return forms.CharField(max_length=LONGEST_NAME, validators=[_one_line], **options)


class NewAccount(Refusable):
    """What an invited newcomer fills in; the e-mail is fixed where the invitation names one."""

    email = _email()
    name = _name(widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = _password("new-password")


class OwnName(Refusable):
    name = _name(required=False, widget=forms.TextInput(attrs={"autocomplete": "name"}))


class NewToken(Refusable):
    ids = "token"
    name = _name(help_text="What it is for: “training script”.")
    scope = forms.ChoiceField(
        choices=[("write", "Read and write"), ("read", "Read only")], initial=Token.Scope.WRITE
    )
    days = forms.IntegerField(
        label="Lasts (days)",
        min_value=1,
        max_value=MAX_DAYS,
        required=False,
        initial=90,
        help_text="Leave empty for a token that does not expire.",
    )


class TeamName(Refusable):
    ids = "team"
    name = _name()


class ProjectName(Refusable):
    ids = "project"
    name = _name()


class Invite(Refusable):
    ids = "invite"
    role = forms.ChoiceField(choices=Role.choices, initial=Role.EDITOR)
    email = _email(
        required=False,
        help_text="With it, only that person can take the invitation.",
    )
