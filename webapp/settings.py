"""All settings, from the environment. Without any, one process with SQLite is what you get.

`DATABASE_URL` and `REDIS_URL` turn the same code into web and worker machines.
"""

from __future__ import annotations

import fcntl
import os
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
import django_htmx
import plotly
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from webapp import env

BASE_DIR = Path(__file__).resolve().parent.parent
TENFOLD_HOME = Path(env.text("TENFOLD_HOME") or BASE_DIR / "var").resolve()

JOBS_DIR = TENFOLD_HOME / "jobs"
BLOBS_DIR = TENFOLD_HOME / "blobs"
UPLOADS_DIR = TENFOLD_HOME / "uploads"
UPLOADS_DIR.mkdir(parents=True, exist_ok=True)


def _secret_key() -> str:
    """The given key, or one made at the first start and kept readable by its owner only."""
    if given := env.text("SECRET_KEY"):
        return given
    descriptor = os.open(TENFOLD_HOME / "secret_key", os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # of processes that start together, one makes the key
        if not (key := file.read()):
            key = get_random_secret_key()
            file.write(key)
    return key


SECRET_KEY = _secret_key()
DEBUG = env.flag("DEBUG", default=False)

# Who may call: `make run HOST=… PORT=…` sets the first two.
HOST = env.text("TENFOLD_HOST", "127.0.0.1")
PORT = int(env.number("TENFOLD_PORT", 8000, least=1))
PUBLIC_URL = env.text("PUBLIC_URL")  # "https://bench.example.org", when behind a proxy
if PUBLIC_URL and not urlsplit(PUBLIC_URL).hostname:
    raise ImproperlyConfigured(f"PUBLIC_URL: an address with its scheme, got {PUBLIC_URL!r}")


def _allowed_hosts() -> list[str]:
    """Names given, the public one, and those of this machine that the server listens on."""
    hosts = set(env.words("ALLOWED_HOSTS")) | {"localhost", "127.0.0.1", "[::1]"}
    if PUBLIC_URL:
        hosts.add(urlsplit(PUBLIC_URL).hostname or "")
    if HOST in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        from webapp.addresses import own_addresses

        hosts.update(own_addresses())
    else:
        hosts.add(HOST)
    return sorted(hosts)


ALLOWED_HOSTS = _allowed_hosts()
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "django_htmx",
    "webapp",
    "webapp.accounts",
    "webapp.artifacts",
    "webapp.datasets",
    "webapp.jobs",
    "webapp.metrics",
    "webapp.live",
    "webapp.inspectors",
    "webapp.api",
    "webapp.audit",
]
MIDDLEWARE = [
    "webapp.middleware.RequestId",
    "webapp.middleware.SecurityPolicy",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "webapp.urls"
ASGI_APPLICATION = "webapp.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "webapp.context.bench",
            ],
            "builtins": ["webapp.templatetags.bench"],
        },
    }
]

SLOTS = int(env.number("TENFOLD_SLOTS", 1, least=1))  # jobs at once in one worker

# Data. SQLite in WAL mode: writers take their lock at once (IMMEDIATE) and wait for it.
DATABASES = {
    "default": dj_database_url.parse(
        env.text("DATABASE_URL") or f"sqlite:///{TENFOLD_HOME / 'tenfold.sqlite3'}"
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA mmap_size=134217728;"
            " PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-20000;"
        ),
    }
else:
    # Each job holds a connection, and a second one while its files are carried.
    pool = {"min_size": 1, "max_size": 16 + 2 * SLOTS, "timeout": 20}
    # Checked before use: after a restart of the database nobody meets its dead connections.
    DATABASES["default"] |= {"OPTIONS": {"pool": pool}, "CONN_HEALTH_CHECKS": True}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": BLOBS_DIR, "file_permissions_mode": 0o600},
    },
    "staticfiles": {
        "BACKEND": "servestatic.storage.CompressedManifestStaticFilesStorage"
        if not DEBUG
        else "django.contrib.staticfiles.storage.StaticFilesStorage",
    },
}
if env.text("S3_BUCKET"):  # files of several machines; needs docker/requirements.txt
    if find_spec("storages") is None or find_spec("boto3") is None:
        raise ImproperlyConfigured("S3_BUCKET needs the packages of docker/requirements.txt")
    if bool(env.text("S3_KEY")) != bool(env.text("S3_SECRET")):
        raise ImproperlyConfigured("S3_KEY and S3_SECRET: both or neither were expected")
    STORAGES["default"] = {
        "BACKEND": "webapp.artifacts.s3.ObjectStore",
        "OPTIONS": {
            "bucket_name": env.text("S3_BUCKET"),
            "endpoint_url": env.text("S3_ENDPOINT") or None,
            "region_name": env.text("S3_REGION") or None,
            "access_key": env.text("S3_KEY") or None,
            "secret_key": env.text("S3_SECRET") or None,
            "location": env.text("S3_PREFIX"),
        },
    }

# Live pages and workers
REDIS_URL = env.text("REDIS_URL")
BROKER_URL = env.text("BROKER_URL") or REDIS_URL
if BROKER_URL and not REDIS_URL:  # workers whose events and answers no page would hear
    raise ImproperlyConfigured("BROKER_URL needs REDIS_URL too: set it for the live channel")
EMBEDDED = not BROKER_URL  # one process: web, worker thread, memory broker
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            # redis 8 closes idle sockets after 5 s and caps a pool at 100 connections.
            "CONFIG": {
                "hosts": [{"address": REDIS_URL, "socket_timeout": None, "max_connections": 1000}]
            },
        }
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

# Accounts
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    )
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"
CSRF_FAILURE_VIEW = "webapp.pages.views.forged"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https:")
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if PUBLIC_URL.startswith("https:") else None
)
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# Files that come out of pip packages: only the ones named, never their whole folders.
STATIC_URL = "/static/"
STATIC_ROOT = TENFOLD_HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "webapp.assets.PackageFinder",
]
PACKAGE_ASSETS = {
    "vendor/plotly.min.js": Path(plotly.__path__[0]) / "package_data/plotly.min.js",
    "vendor/htmx.min.js": Path(django_htmx.__path__[0]) / "static/django_htmx/htmx-2.min.js",
}

# Uploads
MAX_UPLOAD = int(env.number("TENFOLD_MAX_UPLOAD", 1 << 30))  # bytes
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 << 20  # of a request's fields; files stream to disk
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
FILE_UPLOAD_TEMP_DIR = UPLOADS_DIR
FILE_UPLOAD_PERMISSIONS = 0o600

API_PER_MINUTE = int(env.number("TENFOLD_API_PER_MINUTE", 3000, least=1))  # calls of one user

# Supervision. Seconds; tests shorten them.
HEARTBEAT = env.number("TENFOLD_HEARTBEAT", 2, least=0.05)
HEARTBEAT_LIMIT = env.number("TENFOLD_HEARTBEAT_LIMIT", 30, least=0.2)
RECONCILE_EVERY = env.number("TENFOLD_RECONCILE_EVERY", 10, least=0.1)
FLUSH_EVERY = env.number("TENFOLD_FLUSH_EVERY", 0.25, least=0.01)
FLUSH_EVENTS = 2000
CANCEL_GRACE = env.number("TENFOLD_CANCEL_GRACE", 10, least=0.1)  # then SIGTERM, then SIGKILL
KILL_GRACE = env.number("TENFOLD_KILL_GRACE", 5, least=0.1)
CHECKPOINT_EVERY = env.number("TENFOLD_CHECKPOINT_EVERY", 10, least=0.05)
DRAIN_GRACE = env.number("TENFOLD_DRAIN_GRACE", 15, least=0.1)
QUEUES = env.words("TENFOLD_QUEUES", "cpu,gpu,hdl,check,ask")
MIN_FREE_DISK = int(env.number("TENFOLD_MIN_FREE_DISK", 1 << 30))  # bytes
JOB_LIMITS = {
    "seconds": int(env.number("TENFOLD_JOB_SECONDS", 24 * 3600)),
    "silence": int(env.number("TENFOLD_JOB_SILENCE", 1800)),  # no event for so long
    "memory": int(env.number("TENFOLD_JOB_MEMORY", 16 << 30)),
    "disk": int(env.number("TENFOLD_JOB_DISK", 20 << 30)),
}
CHECK_LIMITS = {"memory": 3 << 30, "seconds": 300, "cpu": 240}
ASK_CHILDREN = 2
ASK_IDLE = env.number("TENFOLD_ASK_IDLE", 300, least=1)

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request": {"()": "webapp.middleware.RequestIdFilter"},
        "secrets": {"()": "webapp.accounts.redact.Redact"},
        "oneline": {"()": "webapp.middleware.OneLine"},
    },
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"}
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["request", "secrets"],
        }
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "webapp": {"level": "INFO"},
        "workers": {"level": "INFO"},
        "django.request": {"filters": ["oneline"]},
        # kombu complains that "memory://" names no host.
        "kombu.connection": {"level": "ERROR"},
    },
}
