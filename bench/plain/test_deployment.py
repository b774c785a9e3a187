"""Sections 4, 5, 8, 9, 10 and 13: the application, its settings and its database."""

import re

import pytest
from places import APP, CHECKOUT, DATA, ENV, KEYS, LOGS, SERVICE, VENV, value

# 4 the application's tree


def git(host, words):
    return host.check_output(f"git -c safe.directory=* -C {CHECKOUT} {words}")


def test_checkout_is_of_the_declared_remote(host):
    assert git(host, "remote get-url origin").endswith("mirai-knowledge-systems.git")


def test_checkout_is_at_the_declared_commit(host):
    assert len(git(host, "rev-parse HEAD")) == 40


def test_checkout_is_unchanged(host):
    assert git(host, "status --porcelain --untracked-files=no") == ""


def test_virtualenv_has_a_python_that_runs(host):
    assert int(host.check_output(f"{VENV}/python -c 'import sys; print(sys.version_info[1])'")) >= 9


def test_requirements_are_installed(host):
    wanted = re.findall(r"(?m)^([\w.-]+)==([\w.]+)", host.file(f"{APP}/requirements.txt").content_string)
    found = {name.lower(): told for name, told in host.pip.get_packages(pip_path=f"{VENV}/pip").items()}
    assert all(found[name.lower()]["version"] == version for name, version in wanted)


def test_installed_packages_agree(host):
    assert host.pip.check(pip_path=f"{VENV}/pip").rc == 0


BOTH = pytest.mark.parametrize("place", [DATA, LOGS])


@BOTH
def test_directory_belongs_to_the_service_user(host, place):
    assert host.file(place).user == "mks"


@BOTH
def test_directory_is_writable_by_the_service_user(host, place):
    assert host.run("runuser -u mks -- test -w %s", place).rc == 0


@BOTH
def test_nobody_else_can_write_to_the_directory(host, place):
    assert host.file(place).mode & 0o022 == 0


@BOTH
def test_no_directory_above_is_open_to_everybody(host, place):
    assert not re.search(r"(?m)^ *d.......w", host.check_output("namei -l %s", place))


def test_data_is_writable_by_the_service_user(host):
    assert host.check_output(f"runuser -u mks -- find {DATA} ! -writable") == ""


def test_nothing_inside_is_open_to_everybody(host):
    assert host.check_output(f"find {DATA} {LOGS} -perm -0002 ! -type l") == ""


# 5 the environment file


def test_env_file_is_private(host):
    assert host.file(ENV).mode == 0o600


def test_env_file_belongs_to_the_service_user_or_root(host):
    assert host.file(ENV).user in ("mks", "root")


def test_no_readable_copy_of_the_keys(host):
    assert host.check_output(f"find {APP} -maxdepth 1 -name '.env*' -perm /044 ! -name '*.example'") == ""


REQUIRED = [*KEYS, "MKS_CORS_ORIGINS", "MKS_FORCE_HTTPS", "MKS_TRUST_PROXY_HEADERS"]


@pytest.mark.parametrize("name", REQUIRED)
def test_required_variable_has_a_value(host, name):
    assert value(host, name)


@pytest.mark.parametrize("name", ["MKS_FORCE_HTTPS", "MKS_TRUST_PROXY_HEADERS"])
def test_switch_is_on(host, name):
    assert value(host, name) == "true"


def test_cors_origins_are_https(host):
    assert all(origin.startswith("https://") for origin in value(host, "MKS_CORS_ORIGINS").split(","))


def test_cors_origins_are_those_declared(host):
    assert value(host, "MKS_CORS_ORIGINS") == "https://example.test"


def test_workers_fit_the_processors(host):
    assert int(value(host, "MKS_GUNICORN_WORKERS")) == 2 * int(host.check_output("nproc")) + 1


def test_threads_are_as_promised(host):
    assert value(host, "MKS_GUNICORN_THREADS") == "2"


def test_bind_is_on_loopback(host):
    assert value(host, "MKS_GUNICORN_BIND") == "127.0.0.1:8000"


def test_log_level_is_as_promised(host):
    assert value(host, "MKS_LOG_LEVEL") == "INFO"


def test_start_script_finds_the_variables_valid(host):
    assert host.run(f"{APP}/run_production.sh check").rc == 0


# 8 the database


def sql(host, words):
    return host.check_output("runuser -u postgres -- psql -XAtqc %s", words)


def test_postgresql_runs_now_and_after_a_boot(host):
    assert host.service("postgresql").is_running
    assert host.service("postgresql").is_enabled


def test_postgresql_listens_on_loopback_only(host):
    assert not host.socket("tcp://0.0.0.0:5432").is_listening
    assert host.socket("tcp://127.0.0.1:5432").is_listening


def test_postgresql_trusts_nobody(host):
    assert host.run("grep -Ehv '^ *#' /etc/postgresql/*/main/pg_hba.conf | grep -qw trust").rc == 1


def test_database_and_role_exist(host):
    assert sql(host, "SELECT 1 FROM pg_database WHERE datname = 'mirai_knowledge'") == "1"
    assert sql(host, "SELECT 1 FROM pg_roles WHERE rolname = 'mks_user'") == "1"


def test_role_has_no_powers(host):
    assert sql(host, "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = 'mks_user'") == "f"


def through_own_url(host, words):
    return host.check_output("psql -XAtqc %s %s", words, value(host, "MKS_DATABASE_URL"))


def test_own_url_connects(host):
    assert through_own_url(host, "SELECT 1") == "1"


def test_own_url_leads_to_the_declared_database(host):
    assert through_own_url(host, "SELECT current_database(), current_user") == "mirai_knowledge|mks_user"


def test_every_record_was_migrated(host):
    records = host.check_output(f"python3 -c 'import json; print(len(json.load(open(\"{DATA}/knowledge.json\"))))'")
    assert int(records) > 0
    assert int(through_own_url(host, "SELECT count(*) FROM knowledge")) > 0


# 9, 10 the application and its service


def test_start_script_is_executable(host):
    assert host.file(f"{APP}/run_production.sh").mode & 0o100


def test_configuration_check_ends_well(host):
    assert host.run(f"{APP}/run_production.sh check").rc == 0


def test_running_application_has_the_variables_of_the_file(host):
    pid = host.service(SERVICE).systemd_properties["MainPID"]
    environ = host.check_output(f"tr '\\0' '\\n' </proc/{pid}/environ")
    assert f"MKS_GUNICORN_BIND={value(host, 'MKS_GUNICORN_BIND')}" in environ


def test_one_gunicorn_holds_the_port(host):
    assert "gunicorn" in host.check_output("ss -ltnpH sport = :8000")


def test_application_listens_where_it_is_configured(host):
    assert host.socket("tcp://127.0.0.1:8000").is_listening


def test_workers_are_as_many_as_configured(host):
    assert len(host.process.filter(user="mks", comm="gunicorn")) == int(value(host, "MKS_GUNICORN_WORKERS")) + 1


def test_status_agrees_with_what_runs(host):
    assert host.run(f"{APP}/run_production.sh status").rc == 0


def test_logs_are_written_since_the_start(host):
    started = int(host.check_output("stat -c %Y /run/mirai-knowledge-system/gunicorn.pid"))
    for name in ("access.log", "error.log", "app.log"):
        assert host.file(f"{LOGS}/{name}").mtime.timestamp() >= started - 60


def test_open_logs_are_the_ones_people_read(host):
    pid = host.service(SERVICE).systemd_properties["MainPID"]
    assert "log (deleted)" not in host.check_output(f"ls -l /proc/{pid}/fd")


def test_no_traceback_since_the_start(host):
    assert host.run(f"grep -q Traceback {LOGS}/error.log {LOGS}/app.log").rc == 1


def unit(host, name):
    return host.service(SERVICE).systemd_properties[name]


def test_unit_is_loaded_as_it_is_on_disk(host):
    assert unit(host, "NeedDaemonReload") == "no"


def test_service_runs_as_an_unprivileged_user(host):
    assert unit(host, "User") == "mks"


def test_unit_starts_what_exists(host):
    assert host.file(re.search(r"path=(\S+)", unit(host, "ExecStart"))[1]).exists


def test_unit_restarts_after_a_failure(host):
    assert unit(host, "Restart") == "on-failure"


def test_service_is_enabled(host):
    assert host.service(SERVICE).is_enabled


def test_service_is_active(host):
    assert host.service(SERVICE).is_running


def test_processes_belong_to_the_unit(host):
    assert f"{SERVICE}.service" in host.check_output("ps -o cgroup= -u mks")


def test_service_is_not_restarting_again_and_again(host):
    assert unit(host, "NRestarts") == "0"


# 13 memory


def test_application_fits_into_its_tier(host):
    assert sum(map(int, host.check_output("ps -u mks -o rss=").split())) < 4 * 1024**2


def test_memory_is_left(host):
    assert int(re.search(r"MemAvailable:\s+(\d+)", host.file("/proc/meminfo").content_string)[1]) > 500_000
