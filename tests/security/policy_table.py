"""What each role gets from each address, in six columns:

    a  anonymous      o  outsider (owner of another team)
    v  viewer   e  editor   m  maintainer   w  owner of the team

Names in braces are ids of the world that the test makes. `their_` belongs to the maintainer,
`own_` to the editor. A pattern that is listed here with some methods answers all others with
405. A form's fields stand behind #. An address that is not listed makes the test fail.
"""

# ruff: noqa: E501 - one row is one line

from __future__ import annotations

ROLES = ("anonymous", "outsider", "viewer", "editor", "maintainer", "owner")

# pattern, method, address, then what each role gets
PAGES = """
                                                                    a   o   v   e   m   w
''                                  GET  /                          302 200 200 200 200 200
home/running/                       GET  /home/running/             302 200 200 200 200 200
home/count/                         GET  /home/count/               302 200 200 200 200 200
methods/                            GET  /methods/                  302 200 200 200 200 200
methods/<slug:slug>/                GET  /methods/fake/             302 200 200 200 200 200
queue/                              GET  /queue/                    302 200 200 200 200 200
queue/parts/                        GET  /queue/parts/              302 200 200 200 200 200
queue/<str:job_id>/priority/        POST /queue/{own_job}/priority/#by=1     302 404 403 403 302 302
docs/                               GET  /docs/                     302 200 200 200 200 200
docs/<slug:slug>/                   GET  /docs/api/                 302 200 200 200 200 200
healthz                             GET  /healthz                   200 200 200 200 200 200
readyz                              GET  /readyz                    200 200 200 200 200 200

sign-in/                            GET  /sign-in/                  200 302 302 302 302 302
sign-in/                            POST /sign-in/                  422 302 302 302 302 302
sign-out/                           POST /sign-out/                 302 302 302 302 302 302
link/<str:secret>/                  GET  /link/{secret}/            200 200 200 200 200 200
link/<str:secret>/                  POST /link/{secret}/            302 302 302 302 302 302
account/                            GET  /account/                  302 200 200 200 200 200
account/                            POST /account/#name=X           302 302 302 302 302 302
account/password/                   POST /account/password/         302 422 422 422 422 422
account/tokens/                     POST /account/tokens/#name=X&scope=read  302 200 200 200 200 200
account/tokens/<slug:token_id>/revoke/ POST /account/tokens/{own_token}/revoke/ 302 404 404 302 404 404

teams/new/                          GET  /teams/new/                302 200 200 200 200 200
teams/new/                          POST /teams/new/#name=X         302 302 302 302 302 302
teams/<slug:slug>/                  GET  /teams/lab/                302 404 200 200 200 200
teams/<slug:slug>/edit/             POST /teams/lab/edit/#name=X    302 404 403 403 403 302
teams/<slug:slug>/delete/           POST /teams/lab/delete/#name=Lab         302 404 403 403 403 302
teams/<slug:slug>/leave/            POST /teams/lab/leave/          302 404 302 302 302 302
teams/<slug:slug>/invitations/      POST /teams/lab/invitations/#role=viewer 302 404 403 403 403 200
teams/<slug:slug>/invitations/<slug:link_id>/withdraw/ POST /teams/lab/invitations/{invitation}/withdraw/ 302 404 403 403 403 302
teams/<slug:slug>/members/<slug:user_id>/role/   POST /teams/lab/members/{viewer}/role/#role=editor 302 404 403 403 403 302
teams/<slug:slug>/members/<slug:user_id>/remove/ POST /teams/lab/members/{viewer}/remove/ 302 404 403 403 403 302
teams/<slug:slug>/members/<slug:user_id>/reset/  POST /teams/lab/members/{viewer}/reset/  302 404 403 403 403 200
teams/<slug:slug>/projects/         POST /teams/lab/projects/#name=X         302 404 403 302 302 302
teams/<slug:slug>/projects/<slug:project_id>/edit/   POST /teams/lab/projects/{project}/edit/#name=X 302 404 403 403 302 302
teams/<slug:slug>/projects/<slug:project_id>/delete/ POST /teams/lab/projects/{project}/delete/#name=Bench 302 404 403 403 403 302
teams/<slug:slug>/audit/            GET  /teams/lab/audit/          302 404 403 403 403 200

jobs/                               GET  /jobs/                     302 200 200 200 200 200
jobs/new/                           GET  /jobs/new/?method=fake     302 200 200 200 200 200
jobs/new/                           POST /jobs/new/?method=fake#project={project}&seeds=0 302 422 422 302 302 302
jobs/new/foretold/                  POST /jobs/new/foretold/?method=flat_lora#project={project} 302 200 200 200 200 200
jobs/columns/                       GET  /jobs/columns/             302 200 200 200 200 200
jobs/bulk/                          POST /jobs/bulk/#job={own_job}&deed=archive  302 302 302 302 302 302
jobs/<str:pk>/                      GET  /jobs/{own_job}/           302 404 200 200 200 200
jobs/<str:pk>/charts/               GET  /jobs/{own_job}/charts/    302 404 200 200 200 200
jobs/<str:pk>/logs/                 GET  /jobs/{own_job}/logs/      302 404 200 200 200 200
jobs/<str:pk>/log.txt               GET  /jobs/{own_job}/log.txt    302 404 200 200 200 200
jobs/<str:pk>/artifacts/            GET  /jobs/{own_job}/artifacts/ 302 404 200 200 200 200
jobs/<str:pk>/config/               GET  /jobs/{own_job}/config/    302 404 200 200 200 200
jobs/<str:pk>/config/               POST /jobs/{own_running}/config/#p.scale=2   302 404 403 302 302 302
jobs/<str:pk>/config/               POST /jobs/{their_running}/config/#p.scale=2 302 404 403 403 302 302
jobs/<str:pk>/attempts/             GET  /jobs/{own_job}/attempts/  302 404 200 200 200 200
jobs/<str:pk>/inspect/              GET  /jobs/{own_job}/inspect/   302 404 200 200 200 200
jobs/<str:pk>/cancel/               POST /jobs/{own_job}/cancel/    302 404 403 302 302 302
jobs/<str:pk>/cancel/               POST /jobs/{their_job}/cancel/  302 404 403 403 302 302
jobs/<str:pk>/retry/                POST /jobs/{own_job}/retry/     302 404 403 302 302 302
jobs/<str:pk>/retry/                POST /jobs/{their_job}/retry/   302 404 403 403 302 302
jobs/<str:pk>/resume/               POST /jobs/{own_job}/resume/    302 404 403 302 302 302
jobs/<str:pk>/resume/               POST /jobs/{their_job}/resume/  302 404 403 403 302 302
jobs/<str:pk>/delete/               POST /jobs/{own_job}/delete/    302 404 403 302 302 302
jobs/<str:pk>/delete/               POST /jobs/{their_job}/delete/  302 404 403 403 302 302
jobs/<str:pk>/edit/                 POST /jobs/{own_job}/edit/#name=X        302 404 403 302 302 302
jobs/<str:pk>/edit/                 POST /jobs/{their_job}/edit/#name=X      302 404 403 403 302 302
compare/                            GET  /compare/?jobs={own_job}   302 200 200 200 200 200
groups/<str:pk>/                    GET  /groups/{group}/           302 404 200 200 200 200

datasets/                           GET  /datasets/                 302 200 200 200 200 200
datasets/new/                       GET  /datasets/new/             302 200 200 200 200 200
datasets/new/                       POST /datasets/new/#team={team} 302 404 403 422 422 422
datasets/<str:pk>/                  GET  /datasets/{own_dataset}/   302 404 200 200 200 200
datasets/<str:pk>/edit/             POST /datasets/{own_dataset}/edit/#name=X   302 404 403 302 302 302
datasets/<str:pk>/edit/             POST /datasets/{their_dataset}/edit/#name=X 302 404 403 403 302 302
datasets/<str:pk>/delete/           POST /datasets/{own_dataset}/delete/     302 404 403 302 302 302
datasets/<str:pk>/delete/           POST /datasets/{their_dataset}/delete/   302 404 403 403 302 302
versions/<str:pk>/download/         GET  /versions/{version}/download/       302 404 200 200 200 200

artifacts/<slug:pk>/                GET  /artifacts/{artifact}/              302 404 200 200 200 200
artifacts/<slug:pk>/raw/            GET  /artifacts/{artifact}/raw/          302 404 200 200 200 200
artifacts/<slug:pk>/download/       GET  /artifacts/{artifact}/download/     302 404 200 200 200 200

api/v1/                             GET  /api/v1/                   404 404 404 404 404 404
api/v1/openapi.json                 GET  /api/v1/openapi.json       200 200 200 200 200 200
api/v1/docs                         GET  /api/v1/docs               302 200 200 200 200 200
api/v1/<path:rest>                  GET  /api/v1/nothing            404 404 404 404 404 404
"""

# operation of the OpenAPI, address after /api/v1, JSON body (names in braces filled in)
API = """
                                                                    a   o   v   e   m   w
GET    /me                             /me                          401 200 200 200 200 200
PATCH  /me                             /me {"name":"X"}             401 200 200 200 200 200
GET    /tokens                         /tokens                      401 200 200 200 200 200
POST   /tokens                         /tokens {"name":"X"}         401 201 201 201 201 201
DELETE /tokens/{token_id}              /tokens/{own_token}          401 404 404 204 404 404

GET    /teams                          /teams                       401 200 200 200 200 200
POST   /teams                          /teams {"name":"X"}          401 201 201 201 201 201
GET    /teams/{team_id}                /teams/{team}                401 404 200 200 200 200
PATCH  /teams/{team_id}                /teams/{team} {"name":"X"}   401 404 403 403 403 200
DELETE /teams/{team_id}                /teams/{team}                401 404 403 403 403 204
GET    /teams/{team_id}/members        /teams/{team}/members        401 404 200 200 200 200
PATCH  /teams/{team_id}/members/{user_id} /teams/{team}/members/{viewer} {"role":"editor"} 401 404 403 403 403 200
DELETE /teams/{team_id}/members/{user_id} /teams/{team}/members/{viewer}     401 404 204 403 403 204
POST   /teams/{team_id}/members/{user_id}/reset /teams/{team}/members/{viewer}/reset 401 404 403 403 403 201
GET    /teams/{team_id}/invitations    /teams/{team}/invitations    401 404 403 403 403 200
POST   /teams/{team_id}/invitations    /teams/{team}/invitations {"role":"viewer"} 401 404 403 403 403 201
DELETE /teams/{team_id}/invitations/{link_id} /teams/{team}/invitations/{invitation} 401 404 403 403 403 204
GET    /teams/{team_id}/audit          /teams/{team}/audit          401 404 403 403 403 200

GET    /projects                       /projects                    401 200 200 200 200 200
POST   /projects                       /projects {"team":"{team}","name":"X"} 401 404 403 201 201 201
GET    /projects/{project_id}          /projects/{project}          401 404 200 200 200 200
PATCH  /projects/{project_id}          /projects/{project} {"name":"X"} 401 404 403 403 200 200
DELETE /projects/{project_id}          /projects/{project}          401 404 403 403 403 204

GET    /datasets                       /datasets                    401 200 200 200 200 200
POST   /datasets                       /datasets multipart          401 404 403 201 201 201
GET    /datasets/{dataset_id}          /datasets/{own_dataset}      401 404 200 200 200 200
PATCH  /datasets/{dataset_id}          /datasets/{own_dataset} {"name":"X"}   401 404 403 200 200 200
PATCH  /datasets/{dataset_id}          /datasets/{their_dataset} {"name":"X"} 401 404 403 403 200 200
DELETE /datasets/{dataset_id}          /datasets/{own_dataset}      401 404 403 204 204 204
DELETE /datasets/{dataset_id}          /datasets/{their_dataset}    401 404 403 403 204 204
GET    /versions/{version_id}          /versions/{version}          401 404 200 200 200 200
GET    /versions/{version_id}/download /versions/{version}/download 401 404 200 200 200 200

GET    /uploads                        /uploads                     401 200 200 200 200 200
POST   /uploads                        /uploads {"team":"{team}","name":"new","kind":"split","file_name":"s.json","size":3} 401 404 403 201 201 201
GET    /uploads/{upload_id}            /uploads/{own_upload}        401 404 403 200 200 200
GET    /uploads/{upload_id}            /uploads/{their_upload}      401 404 403 403 200 200
HEAD   /uploads/{upload_id}            /uploads/{own_upload}        401 404 403 200 200 200
HEAD   /uploads/{upload_id}            /uploads/{their_upload}      401 404 403 403 200 200
PATCH  /uploads/{upload_id}            /uploads/{own_upload} part   401 404 403 204 204 204
PATCH  /uploads/{upload_id}            /uploads/{their_upload} part 401 404 403 403 204 204
DELETE /uploads/{upload_id}            /uploads/{own_upload}        401 404 403 204 204 204
DELETE /uploads/{upload_id}            /uploads/{their_upload}      401 404 403 403 204 204

GET    /methods                        /methods                     401 200 200 200 200 200
GET    /methods/{slug}                 /methods/fake                401 200 200 200 200 200

GET    /jobs                           /jobs                        401 200 200 200 200 200
POST   /jobs                           /jobs {"project":"{project}","method":"fake"} 401 404 403 201 201 201
GET    /jobs/{job_id}                  /jobs/{own_job}              401 404 200 200 200 200
PATCH  /jobs/{job_id}                  /jobs/{own_job} {"name":"X"} 401 404 403 200 200 200
PATCH  /jobs/{job_id}                  /jobs/{their_job} {"name":"X"} 401 404 403 403 200 200
DELETE /jobs/{job_id}                  /jobs/{own_job}              401 404 403 204 204 204
DELETE /jobs/{job_id}                  /jobs/{their_job}            401 404 403 403 204 204
POST   /jobs/{job_id}/cancel           /jobs/{own_waiting}/cancel   401 404 403 200 200 200
POST   /jobs/{job_id}/cancel           /jobs/{their_waiting}/cancel 401 404 403 403 200 200
PATCH  /jobs/{job_id}/params           /jobs/{own_running}/params {"params":{"scale":2}}   401 404 403 200 200 200
PATCH  /jobs/{job_id}/params           /jobs/{their_running}/params {"params":{"scale":2}} 401 404 403 403 200 200
POST   /jobs/{job_id}/retry            /jobs/{own_job}/retry        401 404 403 200 200 200
POST   /jobs/{job_id}/retry            /jobs/{their_job}/retry      401 404 403 403 200 200
POST   /jobs/{job_id}/resume           /jobs/{own_job}/resume       401 404 403 200 200 200
POST   /jobs/{job_id}/resume           /jobs/{their_job}/resume     401 404 403 403 200 200
POST   /jobs/{job_id}/fork             /jobs/{own_job}/fork {}      401 404 403 201 201 201
POST   /jobs/{job_id}/ask              /jobs/{own_job}/ask {"question":"none"} 401 404 422 422 422 422
GET    /jobs/{job_id}/series           /jobs/{own_job}/series       401 404 200 200 200 200
GET    /jobs/{job_id}/keys             /jobs/{own_job}/keys         401 404 200 200 200 200
GET    /jobs/{job_id}/log              /jobs/{own_job}/log          401 404 200 200 200 200
GET    /jobs/{job_id}/artifacts        /jobs/{own_job}/artifacts    401 404 200 200 200 200
GET    /artifacts/{artifact_id}        /artifacts/{artifact}        401 404 200 200 200 200
GET    /artifacts/{artifact_id}/download /artifacts/{artifact}/download 401 404 200 200 200 200
GET    /groups/{group_id}              /groups/{group}              401 404 200 200 200 200
GET    /compare                        /compare?jobs={own_job}      401 422 200 200 200 200
GET    /queue                          /queue                       401 200 200 200 200 200
GET    /workers                        /workers                     401 200 200 200 200 200
"""

# topics of the socket: whether each role may hear them
TOPICS = """
                     a  o  v  e  m  w
job.{own_job}        no no ok ok ok ok
warm.{own_job}       no no ok ok ok ok
team.{team}          no no ok ok ok ok
ask.{own_job}        no no no no no no
link.{invitation}    no no no no no no
"""


def rows(table: str) -> list[list[str]]:
    """Words of each line; the last six are the columns. A JSON body holds no space."""
    return [line.split() for line in table.splitlines()[2:] if line.strip()]
