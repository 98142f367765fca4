"""One's own account: name, password, API tokens."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from webapp.accounts import tokens
from webapp.accounts.forms import ChangePassword, NewToken, OwnName
from webapp.accounts.models import Token
from webapp.audit.record import record
from webapp.refused import Refused


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return _page(request)
    form = OwnName(request.POST)
    if not form.is_valid():
        return _page(request, name_form=form, status=422)
    request.user.name = form.cleaned_data["name"]
    request.user.save(update_fields=["name"])
    messages.success(request, "Your name is saved.")
    return redirect("account")


@login_required
@sensitive_post_parameters("old", "password")
@require_POST
def password(request: HttpRequest) -> HttpResponse:
    form = ChangePassword(request.user, request.POST)
    if not form.is_valid():
        return _page(request, password_form=form, status=422)
    request.user.set_password(form.cleaned_data["password"])
    with transaction.atomic():
        request.user.save(update_fields=["password"])
        record(request.user, "account.password", request.user, team=None)
    update_session_auth_hash(request, request.user)  # other sessions end, this one stays
    messages.success(request, "Your password is changed; your other sessions have ended.")
    return redirect("account")


@login_required
@never_cache
@require_POST
def token_new(request: HttpRequest) -> HttpResponse:
    form = NewToken(request.POST)
    if form.is_valid():
        try:
            token, secret = tokens.make(request.user, **form.cleaned_data)
        except Refused as refused:
            form.refuse(refused)
        else:
            return render(request, "accounts/token.html", {"token": token, "secret": secret})
    return _page(request, token_form=form, status=422)


@login_required
@require_POST
def token_revoke(request: HttpRequest, token_id: str) -> HttpResponse:
    tokens.revoke(request.user, get_object_or_404(Token, pk=token_id, user=request.user))
    messages.success(request, "The token is revoked.")
    return redirect("account")


def _page(
    request: HttpRequest,
    *,
    name_form: OwnName | None = None,
    password_form: ChangePassword | None = None,
    token_form: NewToken | None = None,
    status: int = 200,
) -> HttpResponse:
    user = request.user
    page = {
        "name_form": name_form or OwnName(initial={"name": user.name}),
        "password_form": password_form or ChangePassword(user),
        "token_form": token_form or NewToken(),
        "tokens": user.tokens.order_by("-id"),
        "memberships": user.memberships.select_related("team").order_by("team__name"),
        "now": timezone.now(),
    }
    return render(request, "accounts/account.html", page, status=status)
