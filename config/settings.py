"""Settings. All that may differ between installations comes from the environment (`config.environment`)."""

import logging

from csp.constants import NONE, SELF
from kombu import Queue

from config.admin_theme import UNFOLD  # noqa: F401  (read by django-unfold)
from config.api import REST_FRAMEWORK, SPECTACULAR_SETTINGS  # noqa: F401  (read by the libraries of that name)
from config.databases import connection_to, reports_login
from config.environment import BASE_DIR, EMBEDDED, LONGHAUL_DATA, env, secret_key  # noqa: F401  (EMBEDDED is a setting, too)
from config.logs import logging_config
from config.mail import mail_settings
from config.queues import HOUSEKEEPING, all_queues, queues_of_tasks
from config.storage import artifact_storage
from jobs.http.cors import ALLOWED_FIELDS, EXPOSED_FIELDS

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = secret_key(debug=DEBUG)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# Applications

EXTRA_APPS = env.list("EXTRA_APPS", default=[])
INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_results",
    "django_celery_beat",
    "django_structlog",
    "django_tasks",
    "axes",
    "csp",
    "jobs",
    "reports",
    "uploads",
    "calls",
    "examples.rates",
    "examples.sales",
    *EXTRA_APPS,
]

MIDDLEWARE = [
    "jobs.http.client_address.resolve_client_address",
    "jobs.api.health.answer_probes",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "jobs.http.token_requests.shorten_chain",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "jobs.http.compression.CompressionMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.admin_theme.guard_admin",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "jobs.pages.localization.localize_pages",
    "jobs.pages.problem_pages.show_problems_to_people",
    "jobs.http.request_log.RequestLogMiddleware",
    "uploads.resumable.protocol.speak_tus",
    "jobs.http.middleware.require_content_length",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
    "jobs.http.middleware.AnswerOutages",  # the last middleware is the first to see an exception
]
# What replaces the middleware after `shorten_chain` for requests with a bearer token
TOKEN_MIDDLEWARE = [
    "jobs.http.compression.CompressionMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "jobs.http.security_policy.add_security_policy",
    "django.middleware.common.CommonMiddleware",
    "jobs.http.request_log.RequestLogMiddleware",
    "uploads.resumable.protocol.speak_tus",
    "jobs.http.middleware.require_content_length",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
    "jobs.http.middleware.AnswerOutages",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["jobs.pages.tags"],
            "libraries": {"list_rows": "jobs.admin.list_rows"},
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ja", "日本語")]  # each in its own name
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "UTC"
USE_I18N = True
FORMAT_MODULE_PATH = "config.formats"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# PostgreSQL

DATABASES = {"default": connection_to(env.db_url("DATABASE_URL", default="postgresql:///longhaul"))}
if env.str("REPLICA_URL", default=""):
    DATABASES["replica"] = {**connection_to(env.db_url("REPLICA_URL")), "TEST": {"MIRROR": "default"}}
#: Sessions that the threads of a worker with `--pool threads` share (`jobs.postgres.pooling`). 0: each has its own.
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", default=0)
#: How long a request waits for PostgreSQL before the response is 503; see `jobs.postgres.deadlines`.
REQUEST_DATABASE_TIMEOUT_SECONDS = env.float("REQUEST_DATABASE_TIMEOUT_SECONDS", default=5.0)
#: Reports read the primary as this login, which cannot write (`reports.reader`).
REPORTS_LOGIN = reports_login(env.db_url("REPORTS_DATABASE_URL", default="postgresql://"), DATABASES["default"])

# Jobs

LEASE_SECONDS = env.int("LEASE_SECONDS", default=60)
RETENTION_DAYS = env.int("RETENTION_DAYS", default=7)
JOB_SOFT_TIME_LIMIT_SECONDS = env.int("JOB_SOFT_TIME_LIMIT_SECONDS", default=2 * 3600)
JOB_TIME_LIMIT_SECONDS = JOB_SOFT_TIME_LIMIT_SECONDS + 60
REPUBLISH_AFTER_SECONDS = env.int("REPUBLISH_AFTER_SECONDS", default=60)
HAND_BACK_AFTER_SECONDS = env.int("HAND_BACK_AFTER_SECONDS", default=10)
INTERRUPT_AFTER_SECONDS = env.int("INTERRUPT_AFTER_SECONDS", default=5)
IDEMPOTENCY_KEY_HOURS = env.int("IDEMPOTENCY_KEY_HOURS", default=24)
HISTORY_DAYS = env.int("HISTORY_DAYS", default=90)
ORPHAN_FILE_AGE_SECONDS = env.int("ORPHAN_FILE_AGE_SECONDS", default=3600)

# Schedules

SCHEDULES_PER_USER = env.int("SCHEDULES_PER_USER", default=50)
SCHEDULE_MIN_MINUTES = env.int("SCHEDULE_MIN_MINUTES", default=15)  # between two runs of a schedule
SCHEDULE_PAUSE_AFTER_FAILURES = env.int("SCHEDULE_PAUSE_AFTER_FAILURES", default=5)  # failed runs in a row

# Reports

MAX_CELL_BYTES = env.int("MAX_CELL_BYTES", default=64 * 1024**2)  # of a text in a report; a larger one fails the report

# Uploads: receiving their files

UPLOADS_AT_ONCE = env.int("UPLOADS_AT_ONCE", default=4)  # in a web process; fewer than its threads (config.web_worker)
UPLOAD_MIN_BYTES_PER_SECOND = env.int("UPLOAD_MIN_BYTES_PER_SECOND", default=10 * 1024)  # a slower client is cut off
UPLOAD_RATE_WINDOW_SECONDS = env.float("UPLOAD_RATE_WINDOW_SECONDS", default=10.0)  # over which that rate is measured
UPLOAD_TIMEOUT_SECONDS = env.int("UPLOAD_TIMEOUT_SECONDS", default=6 * 3600)  # for a whole file
RESUMABLE_UPLOADS_PER_USER = env.int("RESUMABLE_UPLOADS_PER_USER", default=20)  # unfinished ones
RESUMABLE_UPLOAD_HOURS = env.float("RESUMABLE_UPLOAD_HOURS", default=24.0)  # without bytes, until one is deleted
RESUMABLE_PART_BYTES = env.int("RESUMABLE_PART_BYTES", default=64 * 1024**2)  # so many are committed at the latest,
RESUMABLE_PART_SECONDS = env.float("RESUMABLE_PART_SECONDS", default=10.0)  # or those of so long, from 1 MiB on

# Pages

SUPPORT_CONTACT = env.str("SUPPORT_CONTACT", default="")  # a mail address or a URL, on the pages of failed jobs

EXAMPLE_RATES_URL = env.str("EXAMPLE_RATES_URL", default="").rstrip("/")  # empty: there is no such call type

# Previews of reports, made within a request

PREVIEWS_AT_ONCE = env.int("PREVIEWS_AT_ONCE", default=2)
PREVIEW_TIMEOUT_SECONDS = env.int("PREVIEW_TIMEOUT_SECONDS", default=5)
PREVIEW_MEMORY_MB = env.int("PREVIEW_MEMORY_MB", default=512)

# Share links: downloads without signing in

SHARE_LINKS = env.bool("SHARE_LINKS", default=False)
SHARE_LINK_MAX_DAYS = env.int("SHARE_LINK_MAX_DAYS", default=30)

# Callbacks

CALLBACK_ALLOW_HTTP = env.bool("CALLBACK_ALLOW_HTTP", default=DEBUG)
CALLBACK_ALLOWED_NETWORKS = env.list("CALLBACK_ALLOWED_NETWORKS", default=[])
CALLBACK_ALLOWED_PORTS = env.list(
    "CALLBACK_ALLOWED_PORTS", cast=int, default=[] if DEBUG else [443, 80] if CALLBACK_ALLOW_HTTP else [443]
)
CALLBACK_CONNECT_TIMEOUT_SECONDS = env.float("CALLBACK_CONNECT_TIMEOUT_SECONDS", default=5.0)
CALLBACK_TIMEOUT_SECONDS = env.float("CALLBACK_TIMEOUT_SECONDS", default=15.0)
CALLBACK_SECRET_OVERLAP_HOURS = env.float("CALLBACK_SECRET_OVERLAP_HOURS", default=24.0)
CALLBACK_CIRCUIT_FAILURES = env.int("CALLBACK_CIRCUIT_FAILURES", default=5)
CALLBACK_CIRCUIT_OPEN_SECONDS = env.float("CALLBACK_CIRCUIT_OPEN_SECONDS", default=60.0)
CALLBACK_CIRCUIT_LONGEST_OPEN_SECONDS = env.float("CALLBACK_CIRCUIT_LONGEST_OPEN_SECONDS", default=3600.0)
CALLBACK_GIVE_UP_HOURS = env.float("CALLBACK_GIVE_UP_HOURS", default=24.0)

# Calls

CALL_TURN_WAIT_SECONDS = env.float("CALL_TURN_WAIT_SECONDS", default=3.0)  # in a worker; then the job is postponed
CALL_TURN_WAITERS = env.int("CALL_TURN_WAITERS", default=16)  # jobs that wait for one host in a worker
CALL_HOST_LONGEST_CLOSED_SECONDS = env.float("CALL_HOST_LONGEST_CLOSED_SECONDS", default=3600.0)
CALL_CIRCUIT_FAILURES = env.int("CALL_CIRCUIT_FAILURES", default=5)  # in a row
CALL_CIRCUIT_OPEN_SECONDS = env.float("CALL_CIRCUIT_OPEN_SECONDS", default=30.0)
CALL_CIRCUIT_LONGEST_OPEN_SECONDS = env.float("CALL_CIRCUIT_LONGEST_OPEN_SECONDS", default=900.0)

# Mail

EMAIL_URL = env.str("EMAIL_URL", default="")
MAIL_IS_ON = bool(EMAIL_URL)
PUBLIC_URL = env.str("PUBLIC_URL", default="")  # links in mails start with it
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="longhaul@localhost")
EMAIL_TIMEOUT = EMAIL_TIMEOUT_SECONDS = env.float("EMAIL_TIMEOUT_SECONDS", default=20.0)  # of each answer of the server
PASSWORD_RESET_HOURS = env.int("PASSWORD_RESET_HOURS", default=2)
PASSWORD_RESET_TIMEOUT = PASSWORD_RESET_HOURS * 3600
if MAIL_IS_ON:
    globals().update(mail_settings(env.email_url("EMAIL_URL")))

# Files

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]
STATIC_ROOT = env.str("STATIC_ROOT", default="") or None  # if empty, files are served from the folders of the apps
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "config.static_files.HashedStaticFiles"
        if STATIC_ROOT
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
    "artifacts": artifact_storage(env.str("STORAGE_URL", default=str(LONGHAUL_DATA / "artifacts"))),
}

# Celery over Redis

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
VISIBILITY_TIMEOUT_SECONDS = JOB_TIME_LIMIT_SECONDS + 600
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
    "socket_connect_timeout": 2,
    "socket_timeout": 10,
    "socket_keepalive": True,
    "health_check_interval": 25,
}
CELERY_VISIBILITY_TIMEOUT = VISIBILITY_TIMEOUT_SECONDS
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"visibility_timeout": VISIBILITY_TIMEOUT_SECONDS}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# Also retry if Redis answers with an error (read-only after a failover, or a key of the wrong type).
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
CELERY_RESULT_BACKEND = "jobs.worker.celery_results.ResultBackend"
CELERY_RESULT_EXTENDED = True
CELERY_RESULT_EXPIRES = RETENTION_DAYS * 24 * 3600
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = CELERY_EVENT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = CELERY_RESULT_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_TASK_SOFT_TIME_LIMIT = JOB_SOFT_TIME_LIMIT_SECONDS
CELERY_TASK_TIME_LIMIT = JOB_TIME_LIMIT_SECONDS
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_DEFAULT_QUEUE = HOUSEKEEPING
QUEUE_NAMES = all_queues({"QUEUES": env.str("QUEUES", default="")})
CELERY_TASK_QUEUES = [Queue(name, routing_key=name) for name in QUEUE_NAMES]
CELERY_DB_REUSE_MAX = 10**9  # connections are kept between tasks; `config.celery` drops broken and old ones
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = env.int("WORKER_CONCURRENCY", default=2)
CELERY_WORKER_MAX_TASKS_PER_CHILD = env.int("WORKER_MAX_TASKS_PER_CHILD", default=1000)
CELERY_WORKER_MAX_MEMORY_PER_CHILD = env.int("WORKER_MAX_MEMORY_MB_PER_CHILD", default=512) * 1024  # KiB
CELERY_WORKER_LOST_WAIT = 0.5  # seconds until a process that ended counts as lost; guarded transitions need no more
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = HAND_BACK_AFTER_SECONDS + 15.0  # on SIGQUIT; SIGTERM waits for the hand-back
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
WORKER_PRESENCE_SECONDS = env.float("WORKER_PRESENCE_SECONDS", default=10.0)  # 0: workers do not report their presence
CELERY_BEAT_SCHEDULER = "jobs.maintenance.beat:Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5  # seconds
CELERY_BEAT_SYNC_EVERY = 10  # Beat records that it sent a message after this many of them; metrics show how long ago
CELERY_TIMEZONE = TIME_ZONE
DJANGO_CELERY_BEAT_TZ_AWARE = True

# Tasks: functions with @task, of any app, are jobs

TASKS = {
    "default": {
        "BACKEND": "jobs.task_backend.backend.LonghaulBackend",
        "QUEUES": ["default", *queues_of_tasks({"QUEUES": env.str("QUEUES", default="")})],
        "OPTIONS": {"queues": {"default": "tasks"}},
    }
}

# API

KNOX_TOKEN_MODEL = "jobs.ApiToken"  # noqa: S105
TOKENS_PER_USER = env.int("TOKENS_PER_USER", default=50)
TOKEN_MAX_DAYS = env.int("TOKEN_MAX_DAYS", default=365)
REST_KNOX = {"AUTH_HEADER_PREFIX": "Bearer", "TOKEN_TTL": None, "TOKEN_LIMIT_PER_USER": None}
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=6000)  # of one token or session; 0: no limit
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # bytes of a JSON body or a form

# Orders that wait for the end of their job (`Prefer: wait=…`)

PREFER_WAIT_MAX_SECONDS = env.int(
    "PREFER_WAIT_MAX_SECONDS", default=25
)  # below gunicorn's timeout, and those of proxies
PREFER_WAIT_PLACES = env.int("PREFER_WAIT_PLACES", default=2)  # in a web process: a quarter of its threads

# CORS: scripts of these origins may call the API, and only the API, without a session

CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = ALLOWED_FIELDS
CORS_EXPOSE_HEADERS = EXPOSED_FIELDS
CORS_PREFLIGHT_MAX_AGE = 24 * 3600

# Metrics

METRICS_TOKEN = env.str("METRICS_TOKEN", default="")  # the scraper's bearer token; empty: only staff may read metrics

# Sign-in and browser security

LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "registration/locked_out.html"

# On unless debugging: a proxy in front terminates TLS. `make up` sets HTTPS=0, for loopback.
HTTPS = env.bool("HTTPS", default=not DEBUG)
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^metrics$"]
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
IPWARE_META_PRECEDENCE_ORDER = ("REMOTE_ADDR",)  # for logs and lockouts; the first middleware has resolved REMOTE_ADDR
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}

# Logs: one JSON object per line; LOG_FORMAT=console is for people

DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG  # one line per request, when it has been answered
LOGGING = logging_config(log_format=env.str("LOG_FORMAT", default="json"), level=env.str("LOG_LEVEL", default="INFO"))
