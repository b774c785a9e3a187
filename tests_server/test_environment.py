"""Section 5: the environment file, its variables, and whether the application runs with them."""

import pytest

from cutover.check import control, promised, seen
from cutover.facts.application import Application, Run
from cutover.facts.directories import Directories
from cutover.facts.environment import EnvFile, Environment, cors_origins, is_https_origin, is_loopback
from cutover.facts.resources import Resources
from cutover.inventory import Server

NO_FILE = "no such file"
PRIVATE = ("-rw-------", "-r--------")


@control("5.env-file")
def test_env_file_is_private(env_file: EnvFile, promises: Server) -> None:
    """It holds both keys: who reads it can sign tokens for any user. A + is an access list that lets others in.

    Mend: sudo chmod 600 .env.production; with a +, first sudo setfacl -b .env.production
    """
    mode = seen(env_file.mode, env_file.mode or NO_FILE, where=promises.env_file)
    assert mode in promised(PRIVATE, "-rw------- (600)")


@control("5.env-file")
def test_env_file_belongs_to_the_service_user_or_root(env_file: EnvFile, directories: Directories) -> None:
    """Its owner can open it to others at any time, and can change what the application trusts.

    Mend: sudo chown USER:GROUP .env.production, with the user that the service runs as.
    """
    owner = seen(env_file.owner, env_file.owner or NO_FILE)
    assert owner in promised((directories.user, "root"), f"{directories.user} or root")


@control("5.env-file")
def test_no_readable_copy_of_the_keys(env_file: EnvFile) -> None:
    """An editor's backup or a copy with the same keys has the mode of the day, and nginx may serve it from /static/.

    Mend: delete the copy; if it could be read by others or over the web, make new keys too (section 3).
    """
    assert seen(env_file.copies) == promised((), "no file that others can read holds one of the keys")


@control("5.required-variables")
@pytest.mark.parametrize(
    "name",
    ["MKS_SECRET_KEY", "MKS_JWT_SECRET_KEY", "MKS_CORS_ORIGINS", "MKS_FORCE_HTTPS", "MKS_TRUST_PROXY_HEADERS"],
)
def test_required_variable_has_a_value(environment: Environment, name: str) -> None:
    """Without it the application does not start, or starts with a default that was meant for development.

    Mend: add the line to .env.production (section 5 says what it means), then restart the service.
    """
    assert seen(name in environment.present, where=name) == promised(True)


@control("5.required-variables")
@pytest.mark.parametrize("name", ["MKS_FORCE_HTTPS", "MKS_TRUST_PROXY_HEADERS"])
def test_switch_is_on(environment: Environment, name: str) -> None:
    """Off, passwords may travel in the clear, and behind nginx all clients look like one.

    Mend: set it to true in .env.production, then restart the service.
    """
    value = environment.values.get(name, "")
    assert seen(value.lower(), value or "nothing", where=name) == promised("true")


@control("5.required-variables")
def test_cors_origins_are_https(environment: Environment) -> None:
    """A * lets the scripts of any site call the API, and an http origin those of anyone on the way.

    Mend: MKS_CORS_ORIGINS=https://FRONT-END in .env.production, several by commas, then restart the service.
    """
    origins = cors_origins(environment.values.get("MKS_CORS_ORIGINS", ""))
    wrong = [origin for origin in origins if not is_https_origin(origin)] if origins else ["none at all"]
    assert seen(wrong, where="MKS_CORS_ORIGINS") == promised([], "origins such as https://example.com only")


@control("5.required-variables")
def test_cors_origins_are_those_declared(environment: Environment, declared_origins: frozenset[str]) -> None:
    """One that is missing locks the front end out; one too many lets another site in.

    Mend: MKS_CORS_ORIGINS in .env.production, then restart the service; or correct server.cors_origins.
    """
    origins = frozenset(cors_origins(environment.values.get("MKS_CORS_ORIGINS", "")))
    assert seen(origins, where="MKS_CORS_ORIGINS") == promised(declared_origins)


@control("5.optional-variables")
def test_workers_fit_the_processors(
    environment: Environment, application: Application, resources: Resources, promises: Server
) -> None:
    """Too few and requests queue while processors idle; too many and memory runs out first.

    Mend: MKS_GUNICORN_WORKERS in .env.production = processors × 2 + 1, then restart; or declare server.workers.
    """
    value = environment.values.get("MKS_GUNICORN_WORKERS") or str(len(application.workers))
    wanted = promises.workers or resources.cpus * 2 + 1
    assert seen(value, where="MKS_GUNICORN_WORKERS") == promised(str(wanted))


@control("5.optional-variables")
def test_threads_are_as_promised(environment: Environment, promises: Server) -> None:
    """Each worker answers as many requests at once; the application's memory was measured with this number.

    Mend: MKS_GUNICORN_THREADS in .env.production, then restart the service; or declare server.threads.
    """
    value = environment.values.get("MKS_GUNICORN_THREADS", "")
    threads = seen(value or "2", value or "2 (by default)", where="MKS_GUNICORN_THREADS")
    assert threads == promised(str(promises.threads))


@control("5.optional-variables")
def test_bind_is_on_loopback(environment: Environment, application: Application, promises: Server) -> None:
    """On any other address the application can be spoken to past nginx, without https and its limits.

    Mend: MKS_GUNICORN_BIND=127.0.0.1:8000 in .env.production, then restart the service.
    """
    bind = environment.values.get("MKS_GUNICORN_BIND") or ", ".join(sorted(application.addresses)) or "nothing"
    loopback = seen(is_loopback(bind, promises.bind_port), bind, where="MKS_GUNICORN_BIND")
    assert loopback == promised(True, f"a loopback address and port {promises.bind_port}")


@control("5.optional-variables")
def test_log_level_is_as_promised(environment: Environment, promises: Server) -> None:
    """DEBUG writes what users send into the logs and fills the disk; above INFO an incident leaves no trace.

    Mend: MKS_LOG_LEVEL=INFO in .env.production, then restart the service; or declare server.log_level.
    """
    value = environment.values.get("MKS_LOG_LEVEL", "")
    level = seen((value or "INFO").upper(), value or "INFO (by default)", where="MKS_LOG_LEVEL")
    assert level == promised(promises.log_level.upper())


@control("5.validation")
def test_start_script_finds_the_variables_valid(script_check: Run) -> None:
    """The application's own rules for its variables, some of which only it knows.

    Mend: ./run_production.sh check as the owner of .env.production, and mend what it names.
    """
    told = f"status {script_check.status}: {script_check.said}"
    assert seen(script_check.status, told, where="run_production.sh check") == promised(0, "status 0")
