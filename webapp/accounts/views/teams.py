"""The page of a team: members, roles, invitations, and the team itself."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from webapp.accounts import links, teams
from webapp.accounts.forms import Invite, ProjectName, TeamName
from webapp.accounts.models import Link, Membership, Role, Team
from webapp.policy import can, get_or_404
from webapp.refused import Refused


@login_required
@require_http_methods(["GET", "POST"])
def team_new(request: HttpRequest) -> HttpResponse:
    form = TeamName(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = teams.create(request.user, form.cleaned_data["name"])
        return redirect("team", slug=made.slug)
    status = 422 if request.method == "POST" else 200
    return render(request, "accounts/team_new.html", {"form": form}, status=status)


@login_required
@require_safe
def team(request: HttpRequest, slug: str) -> HttpResponse:
    return team_page(request, get_or_404(request.user, Team, "team.view", slug=slug))


@login_required
@require_POST
def team_edit(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_or_404(request.user, Team, "team.edit", slug=slug)
    form = TeamName(request.POST)
    if not form.is_valid():
        return team_page(request, found, name_form=form, status=422)
    teams.rename(request.user, found, form.cleaned_data["name"])
    return redirect("team", slug=slug)


@login_required
@require_POST
def team_delete(request: HttpRequest, slug: str) -> HttpResponse:
    """Only with the team's name typed as well."""
    found = get_or_404(request.user, Team, "team.delete", slug=slug)
    if request.POST.get("name") != found.name:
        messages.error(request, f"To delete the team, type its name: {found.name}")
        return redirect("team", slug=slug)
    try:
        teams.delete(request.user, found)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("team", slug=slug)
    messages.success(request, f"The team {found.name} is deleted.")
    return redirect("home")


@login_required
@never_cache
@require_POST
def invite(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_or_404(request.user, Team, "member.invite", slug=slug)
    form = Invite(request.POST)
    if form.is_valid():
        try:
            link, secret = links.invite(request.user, found, **form.cleaned_data)
        except Refused as refused:
            form.refuse(refused)
        else:
            return _secret_page(request, found, link=link, secret=secret)
    return team_page(request, found, invite_form=form, status=422)


@login_required
@require_POST
def uninvite(request: HttpRequest, slug: str, link_id: str) -> HttpResponse:
    found = get_or_404(request.user, Team, "member.invite", slug=slug)
    link = get_object_or_404(Link, pk=link_id, team=found, purpose=Link.Purpose.INVITE)
    links.revoke(request.user, link)
    messages.success(request, "The invitation is withdrawn.")
    return redirect("team", slug=slug)


@login_required
@require_POST
def member_role(request: HttpRequest, slug: str, user_id: str) -> HttpResponse:
    member = _member(request, slug, user_id, action="member.role")
    try:
        teams.set_role(request.user, member, request.POST.get("role", ""))
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("team", slug=slug)


@login_required
@require_POST
def member_remove(request: HttpRequest, slug: str, user_id: str) -> HttpResponse:
    member = _member(request, slug, user_id, action="member.remove")
    try:
        teams.remove(request.user, member)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("team", slug=slug)
    return redirect("home") if member.user == request.user else redirect("team", slug=slug)


@login_required
@require_POST
def leave(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_or_404(request.user, Team, "team.view", slug=slug)
    try:
        teams.remove(request.user, found.memberships.get(user=request.user))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("team", slug=slug)
    messages.success(request, f"You have left {found.name}.")
    return redirect("home")


@login_required
@never_cache
@require_POST
def member_reset(request: HttpRequest, slug: str, user_id: str) -> HttpResponse:
    member = _member(request, slug, user_id, action="member.reset")
    try:
        link, secret = links.reset(request.user, member.team, member.user)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("team", slug=slug)
    return _secret_page(request, member.team, link=link, secret=secret)


def _member(request: HttpRequest, slug: str, user_id: str, *, action: str) -> Membership:
    found = get_or_404(request.user, Team, action, slug=slug)
    return get_object_or_404(
        Membership.objects.select_related("user", "team"), team=found, user_id=user_id
    )


def _secret_page(request: HttpRequest, found: Team, *, link: Link, secret: str) -> HttpResponse:
    base = settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
    page = {"team": found, "link": link, "address": links.address(secret, base)}
    return render(request, "accounts/link_made.html", page)


def team_page(
    request: HttpRequest,
    found: Team,
    *,
    name_form: TeamName | None = None,
    invite_form: Invite | None = None,
    project_form: ProjectName | None = None,
    status: int = 200,
) -> HttpResponse:
    user = request.user
    invitations = found.links.filter(
        purpose=Link.Purpose.INVITE, used=None, expires__gt=timezone.now()
    )
    page = {
        "team": found,
        "members": found.memberships.select_related("user").order_by("since"),
        "roles": Role.choices,
        "projects": found.projects.all(),
        "invitations": invitations.select_related("created_by").order_by("-id"),
        "name_form": name_form or TeamName(initial={"name": found.name}),
        "invite_form": invite_form or Invite(),
        "project_form": project_form or ProjectName(),
        "may_manage": can(user, "member.role", found),
        "may_create_project": can(user, "project.create", found),
        "may_edit_project": can(user, "project.edit", found),
        "may_delete_project": can(user, "project.delete", found),
    }
    return render(request, "accounts/team.html", page, status=status)
