"""Signing in and out, and one-time links."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from webapp.accounts import links, signin
from webapp.accounts.forms import NewAccount, NewPassword, SignIn
from webapp.accounts.models import Link
from webapp.accounts.throttle import Throttled
from webapp.refused import Refused

UNPROCESSABLE, GONE, TOO_MANY = 422, 410, 429


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect(_next(request))
    form = SignIn(request.POST or None)
    status = 200
    if request.method == "POST":
        status = _try(request, form)
        if status == 200:
            return redirect(_next(request))
    page = {"form": form, "next": _next(request)}
    return render(request, "accounts/sign_in.html", page, status=status)


def _try(request: HttpRequest, form: SignIn) -> int:
    """Signs in; or leaves the reason in the form and says with which status."""
    if not form.is_valid():
        return UNPROCESSABLE
    try:
        user = signin.by_password(request, **form.cleaned_data)
    except Throttled as throttled:
        form.add_error(None, f"Too many tries. Wait {throttled.minutes} min, then try again.")
        return TOO_MANY
    if user is None:
        form.add_error(None, "E-mail and password do not belong together.")
        return UNPROCESSABLE
    login(request, user)
    return 200


def _next(request: HttpRequest) -> str:
    """The page that was asked for first, if it is one of ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    # Only a path: `redirect` takes a bare word for the name of a view.
    return wanted if ours and wanted.startswith("/") else "/"


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("sign-in")


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def link(request: HttpRequest, secret: str) -> HttpResponse:
    """GET only shows, since programs that preview links follow them; POST uses."""
    found = links.find(secret)
    if found is None or not links.alive(found):
        status = 404 if found is None else GONE
        response = render(request, "accounts/link_dead.html", {"link": found}, status=status)
    else:
        response = _open(request, found)
    # The address is the secret, so no other host may hear it. "no-referrer" would go further,
    # but browsers then send `Origin: null` with the form, which the CSRF check refuses.
    response["Referrer-Policy"] = "same-origin"
    return response


def _open(request: HttpRequest, found: Link) -> HttpResponse:
    form = _form(request, found)
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            return _use(request, found, form)
        except Refused as refused:
            if form is None:
                messages.error(request, str(refused))
            else:
                form.refuse(refused)
    status = UNPROCESSABLE if request.method == "POST" else 200
    return render(request, "accounts/link.html", {"link": found, "form": form}, status=status)


def _form(request: HttpRequest, found: Link) -> NewPassword | NewAccount | None:
    data = request.POST if request.method == "POST" else None
    if found.purpose == Link.Purpose.RESET:
        return NewPassword(data)
    if found.purpose == Link.Purpose.INVITE and not request.user.is_authenticated:
        form = NewAccount(data, initial={"email": found.email})
        form.fields["email"].disabled = bool(found.email)
        return form
    return None


def _use(request: HttpRequest, found: Link, form: NewPassword | NewAccount | None) -> HttpResponse:
    if found.purpose == Link.Purpose.SIGN_IN:
        login(request, links.use_sign_in(found))
        if not request.user.has_usable_password():
            messages.warning(request, "Choose a password: the link you came by works only once.")
            return redirect("account")
        return redirect("home")
    if found.purpose == Link.Purpose.RESET:
        login(request, links.use_reset(found, form.cleaned_data["password"]))
        return redirect("home")
    if form is None:
        links.use_invite(found, request.user)
    else:
        login(request, links.use_invite_as_new(found, **form.cleaned_data))
    return redirect("team", slug=found.team.slug)
