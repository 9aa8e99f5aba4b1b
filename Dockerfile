# One image for all services; docker-compose.yml says which command each one runs.
# The embedded servers are not installed: DATABASE_URL and REDIS_URL must be set.

FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/venv \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never \
    PATH=/opt/venv/bin:$PATH

WORKDIR /srv/longhaul

# Dependencies first: this layer changes only with the lock file.
COPY pyproject.toml uv.lock ./
RUN pip install --no-cache-dir uv \
    && uv sync --frozen --no-dev --no-cache

COPY . .

# Hashed names and compressed copies, so that browsers can cache static files for years.
ENV STATIC_ROOT=/srv/static
RUN SECRET_KEY=unused-while-building python manage.py collectstatic --noinput

# /data holds artifacts (unless STORAGE_URL says otherwise) and must be writable for the service's user.
ENV LONGHAUL_DATA=/data
RUN useradd --system --uid 10001 --user-group --no-create-home longhaul \
    && mkdir /data \
    && chown -R longhaul:longhaul /data

USER longhaul
VOLUME /data
EXPOSE 8000

# Start with `python -m`: a process that runs the code of report types imports the script that started the server.
CMD ["python", "-m", "gunicorn", "config.wsgi", "--config", "python:config.gunicorn", "--bind", "0.0.0.0:8000", \
     "--worker-class", "config.web_worker.ProbeThreadWorker", "--workers", "2", \
     "--threads", "8", "--graceful-timeout", "25", "--no-control-socket", "--worker-tmp-dir", "/dev/shm"]
