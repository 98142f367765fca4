"""What every page's frame shows: the places of the rail, with teams, projects and counts.

Nothing is asked of the database until a template shows it, so answers without the frame
(parts of pages, the API) cost no query.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from django.http import HttpRequest
from django.urls import reverse

from webapp.accounts.models import Team
from webapp.jobs.models import ACTIVE, Job, Project
from webapp.policy import somewhere, visible


@dataclass(frozen=True)
class Item:
    title: str
    address: str
    current: bool


@dataclass(frozen=True)
class Place:
    title: str
    address: str
    icon: str
    keys: str  # "g j": what a person types to go there
    current: str  # the value of aria-current: "page", "true" (something under it) or nothing
    counts: str = ""  # the address of the number beside it, which is kept true from there
    under: tuple[Item, ...] = ()


class Bench:
    def __init__(self, request: HttpRequest):
        self.request = request

    @cached_property
    def teams(self) -> list[Team]:
        """The teams of the person who looks, by name."""
        return list(visible(self.request.user, Team).order_by("name"))

    @cached_property
    def projects(self) -> list[Project]:
        """Their projects, each with its team at hand."""
        found = visible(self.request.user, Project).select_related("team")
        return list(found.order_by("team__name", "name"))

    @property
    def chosen_project(self) -> str:
        """The title of the project that the address names, if it is one of theirs."""
        chosen = self.request.GET.get("project")
        titles = (self._title(project) for project in self.projects if project.pk == chosen)
        return next(titles, "")

    @cached_property
    def may_start(self) -> bool:
        """Whether they may run jobs in some team: a viewer is offered nothing that is refused."""
        return bool(self._person) and somewhere(self.request.user, "job.create")

    @cached_property
    def running(self) -> int:
        return visible(self.request.user, Job).filter(state__in=ACTIVE).count()

    @cached_property
    def places(self) -> list[Place]:
        if not self._person:
            return []
        return [
            self._place("Home", "home", icon="home", keys="g h"),
            self._place(
                "Jobs",
                "jobs",
                icon="jobs",
                keys="g j",
                counts=reverse("running-count"),
                under=self._project_items(),
            ),
            self._place("Compare", "compare", icon="compare", keys="g c"),
            self._place("Datasets", "datasets", icon="datasets", keys="g d"),
            self._place("Methods", "methods", icon="methods", keys="g m"),
            self._place("Queue", "queue", icon="queue", keys="g q"),
            self._teams_place(),
            self._place("Docs", "docs", icon="docs", keys="g o"),
        ]

    @property
    def _person(self) -> bool:
        user = getattr(self.request, "user", None)
        return user is not None and user.is_authenticated

    def _current(self, address: str) -> str:
        path = self.request.path
        if path == address:
            return "page"
        return "true" if address != "/" and path.startswith(address) else ""

    def _place(self, title: str, name: str, *, icon: str, keys: str, **more: object) -> Place:
        address = reverse(name)
        return Place(title, address, icon, keys, self._current(address), **more)

    def _project_items(self) -> tuple[Item, ...]:
        """One line per project; with a single one the job list is already that project's."""
        if len(self.projects) < 2:
            return ()
        chosen = self.request.GET.get("project")
        return tuple(
            Item(
                title=self._title(project),
                address=f"{reverse('jobs')}?project={project.pk}",
                current=chosen == project.pk,
            )
            for project in self.projects
        )

    def _title(self, project: Project) -> str:
        name = project.title_among(self.projects)
        return name if len(self.teams) == 1 else f"{project.team.title_among(self.teams)} / {name}"

    def _teams_place(self) -> Place:
        items = tuple(
            Item(
                title=team.title_among(self.teams),
                address=reverse("team", args=[team.slug]),
                current=self.request.path == reverse("team", args=[team.slug]),
            )
            for team in self.teams
        )
        address = items[0].address if items else reverse("team-new")
        current = "true" if self.request.path.startswith("/teams/") else ""
        under = items if len(items) > 1 else ()
        return Place("Teams", address, "team", "g t", current, under=under)


def bench(request: HttpRequest) -> dict[str, Bench]:
    return {"bench": Bench(request)}
