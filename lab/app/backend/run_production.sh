#!/bin/sh
# Run the API under gunicorn: run_production.sh check|start|stop|restart|status|reload
#
# status ends 0 only when the application answers; 3: not running; 4: running, but it does not answer.
set -u
# The unit of the checklist sets PATH to the venv alone, where dirname, sleep and the like are missing.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
umask 027

case $0 in */*) HERE=${0%/*} ;; *) HERE=. ;; esac
HERE=$(cd "$HERE" && pwd -P) || exit 1

VENV=${MKS_VENV:-$HERE/venv}
ENV_FILE=${MKS_ENV_FILE:-$HERE/.env.production}
START_SECONDS=60
STOP_SECONDS=40 # longer than gunicorn's graceful_timeout

say() { printf '%s\n' "$*"; }
fail() { printf 'run_production.sh: %s\n' "$*" >&2; exit 1; }

# Read NAME=value lines as systemd does, without running them as a program.
load_environment() {
    [ -r "$ENV_FILE" ] || fail "cannot read $ENV_FILE (it belongs to the service's user; use that user or root)"
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in *=*) name=${line%%=*} ;; *) continue ;; esac
        case $name in '' | [!A-Za-z_]* | *[!A-Za-z0-9_]*) continue ;; esac
        value=${line#*=}
        case $value in
            \"*\") value=${value#\"} value=${value%\"} ;;
            \'*\') value=${value#\'} value=${value%\'} ;;
        esac
        export "$name=$value"
    done <"$ENV_FILE"
    export MKS_DATA_DIR="${MKS_DATA_DIR:-/var/lib/mirai-knowledge-system/data}"
    export MKS_LOG_DIR="${MKS_LOG_DIR:-/var/log/mirai-knowledge-system}"
    export MKS_RUN_DIR="${MKS_RUN_DIR:-/run/mirai-knowledge-system}"
    BIND=${MKS_GUNICORN_BIND:-127.0.0.1:8000}
    PID_FILE=$MKS_RUN_DIR/gunicorn.pid
    [ -x "$VENV/bin/gunicorn" ] || fail "no gunicorn in $VENV: make the virtual environment first"
}

# The master's process id; a pid file that outlived its process, or whose number was given away, is no master.
master() {
    [ -r "$PID_FILE" ] && read -r pid <"$PID_FILE" && [ -d "/proc/$pid" ] || return 1
    tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q "$VENV/bin/gunicorn" && say "$pid"
}

children() { cat "/proc/$1/task/"*/children 2>/dev/null; }

# Ask over http. Any answer below 500 will do: without trusted proxy headers `/` answers with a redirect.
answers() {
    "$VENV/bin/python" - "$BIND" <<'PYTHON'
import http.client, sys
try:
    host = sys.argv[1].replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]")
    connection = http.client.HTTPConnection(host, timeout=5)
    connection.request("GET", "/", headers={"X-Forwarded-Proto": "https", "User-Agent": "run_production.sh"})
    sys.exit(connection.getresponse().status >= 500)
except (OSError, http.client.HTTPException):
    sys.exit(1)
PYTHON
}

# All three: with the port taken by another program, that program would answer for us.
serves() { pid=$(master) && [ -n "$(children "$pid")" ] && answers; }

memory_of() {
    for member in "$@"; do
        cat "/proc/$member/smaps_rollup" 2>/dev/null || say unreadable
    done | awk '/^Pss:/ { kb += $2 } /^unreadable/ { hidden = 1 }
        END { if (hidden) print "unknown (only the service user and root may read it)"
              else printf "%.1f MB\n", kb / 1024 }'
}

check() { (cd "$HERE" && "$VENV/bin/python" -B -c 'import sys; from mks.config import main; sys.exit(main())'); }

start() {
    if serves; then say "already running, pid $pid"; return 0; fi
    if pid=$(master); then fail "pid $pid runs but does not answer on $BIND: stop it first"; fi
    # Without a required variable nothing can run. Other complaints are told, but a host that is to come back after
    # a reboot comes back.
    check
    case $? in
        0) ;;
        1) say "run_production.sh: check found the problems above" >&2 ;;
        *) fail "not started: see above" ;;
    esac
    # The number in a stale file may be some other process by now; gunicorn would take that for itself and give up.
    rm -f "$PID_FILE"
    cd "$HERE" || return 1
    setsid "$VENV/bin/gunicorn" -c gunicorn.conf.py </dev/null >>"$MKS_LOG_DIR/error.log" 2>&1 &
    launched=$!
    waited=0
    while [ "$waited" -lt "$START_SECONDS" ]; do
        sleep 1
        waited=$((waited + 1))
        if serves; then say "started, pid $pid, on $BIND"; return 0; fi
        [ -d "/proc/$launched" ] || break
    done
    kill -TERM "$launched" 2>/dev/null
    tail -n 20 "$MKS_LOG_DIR/error.log" >&2
    fail "it did not answer on $BIND within $waited s; the end of error.log is above"
}

stop() {
    pid=$(master) || { say "not running"; return 0; }
    kill -TERM "$pid" || fail "cannot stop pid $pid"
    waited=0
    while [ -d "/proc/$pid" ]; do
        [ "$waited" -lt "$STOP_SECONDS" ] || fail "pid $pid did not end within $waited s"
        sleep 1
        waited=$((waited + 1))
    done
    say "stopped"
}

status() {
    pid=$(master) || { say "not running"; return 3; }
    workers=$(children "$pid")
    # shellcheck disable=SC2086 # a list of numbers
    set -- $workers
    say "master: pid $pid, memory $(memory_of "$pid") (PSS)"
    say "workers: $# (pid ${workers% })"
    say "memory: $(memory_of "$pid" "$@") (PSS of master and workers)"
    if serves; then say "answers on $BIND"; else say "DOES NOT ANSWER on $BIND"; return 4; fi
}

reload() {
    pid=$(master) || fail "not running"
    # New workers, logs opened again. The environment stays the master's: a changed .env.production needs a restart.
    kill -HUP "$pid" && say "reloaded, pid $pid"
}

case ${1-} in
    check) load_environment; check && say "configuration is valid" ;;
    start | stop | status | reload) load_environment; "$1" ;;
    restart) load_environment; stop && start ;;
    *) say "usage: $0 check|start|stop|restart|status|reload" >&2; exit 2 ;;
esac
