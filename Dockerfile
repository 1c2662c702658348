FROM python:3.11-slim AS build
WORKDIR /app
COPY requirements.lock .
RUN python -m venv .venv && .venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock

FROM python:3.11-slim
WORKDIR /app
RUN useradd --system --create-home coffer && install -d -o coffer -g coffer -m 700 /data
COPY --from=build /app/.venv .venv
COPY . .
USER coffer
ENV COFFER_DATA_DIR=/data COFFER_BIND_HOST=0.0.0.0 COFFER_PORT=8000 PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
    CMD [".venv/bin/python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD [".venv/bin/python", "main.py", "serve"]
