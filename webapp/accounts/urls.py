from __future__ import annotations

from django.urls import path

from webapp.accounts.views import account, projects, sign, teams

urlpatterns = [
    path("sign-in/", sign.sign_in, name="sign-in"),
    path("sign-out/", sign.sign_out, name="sign-out"),
    path("link/<str:secret>/", sign.link, name="link"),
    path("account/", account.account, name="account"),
    path("account/password/", account.password, name="password"),
    path("account/tokens/", account.token_new, name="token-new"),
    path("account/tokens/<slug:token_id>/revoke/", account.token_revoke, name="token-revoke"),
    path("teams/new/", teams.team_new, name="team-new"),
    path("teams/<slug:slug>/", teams.team, name="team"),
    path("teams/<slug:slug>/edit/", teams.team_edit, name="team-edit"),
    path("teams/<slug:slug>/delete/", teams.team_delete, name="team-delete"),
    path("teams/<slug:slug>/leave/", teams.leave, name="team-leave"),
    path("teams/<slug:slug>/invitations/", teams.invite, name="invite"),
    path("teams/<slug:slug>/invitations/<slug:link_id>/withdraw/", teams.uninvite, name="uninvite"),
    path("teams/<slug:slug>/members/<slug:user_id>/role/", teams.member_role, name="member-role"),
    path(
        "teams/<slug:slug>/members/<slug:user_id>/remove/",
        teams.member_remove,
        name="member-remove",
    ),
    path(
        "teams/<slug:slug>/members/<slug:user_id>/reset/", teams.member_reset, name="member-reset"
    ),
    path("teams/<slug:slug>/projects/", projects.project_new, name="project-new"),
    path(
        "teams/<slug:slug>/projects/<slug:project_id>/edit/",
        projects.project_edit,
        name="project-edit",
    ),
    path(
        "teams/<slug:slug>/projects/<slug:project_id>/delete/",
        projects.project_delete,
        name="project-delete",
    ),
]
