"""The checks of sections 4 and 5, each with facts that keep the promise and facts that break it."""

from dataclasses import replace

import pytest

from cutover.facts.application import Run
from cutover.facts.checkout import Checkout, Packages, Virtualenv
from cutover.facts.directories import Directories, Directory
from cutover.facts.environment import EnvFile, Environment
from cutover.facts.resources import Resources
from cutover.inventory import Server
from cutover.policies import GB, GIB
from selftest.rows import fails, judge, passes
from selftest.service_facts import RUNNING
from tests_server import test_checkout as checkout
from tests_server import test_directories as directories
from tests_server import test_environment as environment
from tests_server import test_virtualenv as virtualenv

PROMISES = Server(way_in="ssh://ops@api.example.com")
REMOTE = "https://github.com/your-org/mirai-knowledge-systems.git"
COMMIT = "63b2b6e6ac413624097eefe946fde57a9d313fa0"
CLEAN = Checkout(commit=COMMIT, remote=REMOTE, changed=(), evidence=())
NO_CHECKOUT = replace(CLEAN, commit="", remote="")
VENV = Virtualenv("/opt/app/venv/bin/python", (3, 11, 2), "", ())
PACKAGES = Packages((), (), ())

DIRECTORY = Directory("/var/lib/app/data", "drwxr-x---", "mks", True, frozenset(), ())
KEPT = Directories("mks", {"data": DIRECTORY, "logs": DIRECTORY}, (), (), ())
ABSENT = replace(DIRECTORY, mode="", owner="", writable=False)

FILE = EnvFile("-rw-------", "mks", (), ())
VALUES = {
    "MKS_CORS_ORIGINS": "https://example.com",
    "MKS_FORCE_HTTPS": "true",
    "MKS_TRUST_PROXY_HEADERS": "true",
    "MKS_GUNICORN_WORKERS": "5",
    "MKS_GUNICORN_THREADS": "2",
    "MKS_GUNICORN_BIND": "127.0.0.1:8000",
    "MKS_LOG_LEVEL": "INFO",
}
SET = Environment(VALUES, frozenset({*VALUES, "MKS_SECRET_KEY", "MKS_JWT_SECRET_KEY"}), ())
TWO_CPUS = Resources(cpus=2, memory_bytes=4 * GIB, disk_free_bytes=20 * GB, evidence=())


def having(**values):
    return replace(SET, values=VALUES | values)


def data(**changes):
    return replace(KEPT, of={"data": replace(DIRECTORY, **changes), "logs": DIRECTORY})


def of_checkout():
    remote = checkout.test_checkout_is_of_the_declared_remote
    told = "github.com/your-org/mirai-knowledge-systems"
    for url in (
        REMOTE,
        REMOTE.removesuffix(".git"),
        REMOTE.removesuffix(".git") + "/",
        "git@github.com:your-org/mirai-knowledge-systems.git",
        "ssh://git@GitHub.com:22/your-org/mirai-knowledge-systems.git",
    ):
        facts = replace(CLEAN, remote=url)
        yield passes(url, remote, checkout=facts, declared_remote=REMOTE, promises=PROMISES)
    for url, seen in (
        ("https://github.com/somebody/mirai-knowledge-systems.git", "github.com/somebody/mirai-knowledge-systems"),
        ("http://github.com/your-org/mirai-knowledge-systems.git", f"http://{told}"),
        ("/srv/git/mirai-knowledge-systems.git", "/srv/git/mirai-knowledge-systems"),
        ("", "no git checkout"),
    ):
        facts = replace(CLEAN, remote=url)
        yield fails(f"[{url}]", remote, told, seen, checkout=facts, declared_remote=REMOTE, promises=PROMISES)

    commit = checkout.test_checkout_is_at_the_declared_commit
    for declared in (COMMIT, COMMIT[:7]):
        yield passes(declared, commit, checkout=CLEAN, declared_commit=declared, promises=PROMISES)
    yield fails("other", commit, "63b2b6f", COMMIT, checkout=CLEAN, declared_commit="63b2b6f", promises=PROMISES)
    none = {"checkout": NO_CHECKOUT, "declared_commit": COMMIT, "promises": PROMISES}
    yield fails("none", commit, COMMIT, "no git checkout", **none)

    unchanged, promised = checkout.test_checkout_is_unchanged, "no tracked file differs from its commit"
    yield passes("clean", unchanged, checkout=CLEAN, promises=PROMISES)
    edited = replace(CLEAN, changed=("backend/wsgi.py", "README.md"))
    yield fails("edited", unchanged, promised, "backend/wsgi.py, README.md", checkout=edited, promises=PROMISES)
    yield fails("none", unchanged, promised, "no git checkout", checkout=NO_CHECKOUT, promises=PROMISES)


def of_virtualenv():
    runs, promised = virtualenv.test_virtualenv_has_a_python_that_runs, "Python 3.9 or later"
    for version in ((3, 9, 0), (3, 13, 5)):
        yield passes(f"{version[1]}", runs, virtualenv=replace(VENV, version=version))
    yield fails("3.8", runs, promised, "3.8.10", virtualenv=replace(VENV, version=(3, 8, 10)))
    broken = replace(VENV, version=(), problem="it does not run")
    yield fails("broken", runs, promised, "it does not run", virtualenv=broken)

    missing, conflicts = virtualenv.test_requirements_are_installed, virtualenv.test_installed_packages_agree
    yield passes("all", missing, packages=PACKAGES)
    one = replace(PACKAGES, missing=("flask is 2.0.0, not ==3.1.3",))
    told = "every line of requirements.txt is satisfied"
    yield fails("one", missing, told, "flask is 2.0.0, not ==3.1.3", packages=one)
    yield passes("conflict", missing, packages=replace(PACKAGES, conflicts=("flask needs click: …",)))
    yield passes("all", conflicts, packages=PACKAGES)
    one = replace(PACKAGES, conflicts=("flask needs blinker: blinker is not installed",))
    told = "no package lacks what it needs"
    yield fails("one", conflicts, told, "flask needs blinker: blinker is not installed", packages=one)


def of_directories():
    owner = directories.test_directory_belongs_to_the_service_user
    yield passes("own", owner, directories=KEPT, place="logs")
    yield fails("root", owner, "mks", "root", directories=data(owner="root"), place="data")
    yield passes("other-place", owner, directories=data(owner="root"), place="logs")
    absent = replace(KEPT, of={"data": ABSENT, "logs": DIRECTORY})
    yield fails("absent", owner, "mks", "no such directory", directories=absent, place="data")

    writes = directories.test_directory_is_writable_by_the_service_user
    yield passes("own", writes, directories=KEPT, place="data")
    yield fails("closed", writes, "yes", "no", directories=data(writable=False), place="data")

    nobody, promised = directories.test_nobody_else_can_write_to_the_directory, "nobody but root and the service user"
    yield passes("nobody", nobody, directories=KEPT, place="data")
    others = data(others=frozenset({"www-data", "ops"}))
    yield fails("others", nobody, promised, "ops, www-data", directories=others, place="data")

    above, promised = directories.test_no_directory_above_is_open_to_everybody, "none that everybody can write"
    yield passes("none", above, directories=KEPT, place="data")
    yield fails("app", above, promised, "app", directories=data(open_parents=("app",)), place="data")

    closed = directories.test_data_is_writable_by_the_service_user
    promised = "everything in the data directory is writable by mks"
    yield passes("all", closed, directories=KEPT)
    yield fails("one", closed, promised, "/d/users.json", directories=replace(KEPT, closed=("/d/users.json",)))

    inside, promised = directories.test_nothing_inside_is_open_to_everybody, "nothing that everybody can write"
    yield passes("nothing", inside, directories=KEPT)
    yield fails("one", inside, promised, "/d/users.json", directories=replace(KEPT, open=("/d/users.json",)))


def of_env_file():
    private, promised = environment.test_env_file_is_private, "-rw------- (600)"
    for mode in ("-rw-------", "-r--------"):
        yield passes(mode, private, env_file=replace(FILE, mode=mode), promises=PROMISES)
    for mode in ("-rw-r-----", "-rw-r--r--", "-rw-------+", "-rwx------"):
        yield fails(mode, private, promised, mode, env_file=replace(FILE, mode=mode), promises=PROMISES)
    none = EnvFile("", "", (), ())
    yield fails("none", private, promised, "no such file", env_file=none, promises=PROMISES)

    owner, promised = environment.test_env_file_belongs_to_the_service_user_or_root, "mks or root"
    for name in ("mks", "root"):
        yield passes(name, owner, env_file=replace(FILE, owner=name), directories=KEPT)
    yield fails("ops", owner, promised, "ops", env_file=replace(FILE, owner="ops"), directories=KEPT)
    yield fails("none", owner, promised, "no such file", env_file=none, directories=KEPT)

    copy, promised = environment.test_no_readable_copy_of_the_keys, "no file that others can read holds one of the keys"
    yield passes("none", copy, env_file=FILE)
    one = replace(FILE, copies=("/opt/app/static/.env~",))
    yield fails("static", copy, promised, "/opt/app/static/.env~", env_file=one)


def of_required():
    present = environment.test_required_variable_has_a_value
    yield passes("set", present, environment=SET, name="MKS_SECRET_KEY")
    without = replace(SET, present=SET.present - {"MKS_SECRET_KEY"})
    yield fails("not-set", present, "yes", "no", environment=without, name="MKS_SECRET_KEY")

    switch = environment.test_switch_is_on
    for value in ("true", "True", "TRUE"):
        yield passes(value, switch, environment=having(MKS_FORCE_HTTPS=value), name="MKS_FORCE_HTTPS")
    for value in ("false", "1", "true\\x0d", "true # so far"):
        off = having(MKS_TRUST_PROXY_HEADERS=value)
        yield fails(value, switch, "true", value, environment=off, name="MKS_TRUST_PROXY_HEADERS")
    unset = replace(SET, values={})
    yield fails("unset", switch, "true", "nothing", environment=unset, name="MKS_FORCE_HTTPS")

    https, promised = environment.test_cors_origins_are_https, "origins such as https://example.com only"
    for value in ("https://example.com", "https://example.com, https://a.example.com:8443"):
        yield passes(value, https, environment=having(MKS_CORS_ORIGINS=value))
    for value, wrong in (
        ("*", "*"),
        ("https://example.com,http://example.com", "http://example.com"),
        ("https://*.example.com", "https://*.example.com"),
        ("https://example.com/", "https://example.com/"),
        ("", "none at all"),
    ):
        yield fails(f"[{value}]", https, promised, wrong, environment=having(MKS_CORS_ORIGINS=value))

    declared = environment.test_cors_origins_are_those_declared
    both = frozenset({"https://a.example.com", "https://b.example.com"})
    turned = having(MKS_CORS_ORIGINS="https://b.example.com,https://a.example.com")
    yield passes("both", declared, environment=turned, declared_origins=both)
    told = "https://a.example.com, https://b.example.com"
    yield fails("other", declared, told, "https://example.com", environment=SET, declared_origins=both)


def of_optional():
    workers = environment.test_workers_fit_the_processors
    facts = {"application": RUNNING, "resources": TWO_CPUS, "promises": PROMISES}
    yield passes("5", workers, environment=SET, **facts)
    yield passes("running", workers, environment=replace(SET, values={}), **facts)
    yield fails("2", workers, "5", "2", environment=having(MKS_GUNICORN_WORKERS="2"), **facts)
    three = facts | {"promises": PROMISES.model_copy(update={"workers": 3})}
    yield passes("declared", workers, environment=having(MKS_GUNICORN_WORKERS="3"), **three)
    yield fails("declared", workers, "3", "5", environment=SET, **three)

    threads = environment.test_threads_are_as_promised
    for facts in (SET, replace(SET, values={})):
        yield passes(f"{len(facts.values)}", threads, environment=facts, promises=PROMISES)
    yield fails("16", threads, "2", "16", environment=having(MKS_GUNICORN_THREADS="16"), promises=PROMISES)
    four = PROMISES.model_copy(update={"threads": 4})
    yield fails("unset", threads, "4", "2 (by default)", environment=replace(SET, values={}), promises=four)

    bind, promised = environment.test_bind_is_on_loopback, "a loopback address and port 8000"
    facts = {"application": RUNNING, "promises": PROMISES}
    for value in ("127.0.0.1:8000", "[::1]:8000", "localhost:8000", "127.0.0.1:8000,[::1]:8000", ""):
        yield passes(f"[{value}]", bind, environment=having(MKS_GUNICORN_BIND=value), **facts)
    for value in ("0.0.0.0:8000", "[::]:8000", ":8000", "127.0.0.1:8080", "127.0.0.1:8000,10.0.0.1:8000"):
        yield fails(f"[{value}]", bind, promised, value, environment=having(MKS_GUNICORN_BIND=value), **facts)

    level = environment.test_log_level_is_as_promised
    for value in ("INFO", "info", ""):
        yield passes(f"[{value}]", level, environment=having(MKS_LOG_LEVEL=value), promises=PROMISES)
    yield fails("debug", level, "INFO", "DEBUG", environment=having(MKS_LOG_LEVEL="DEBUG"), promises=PROMISES)

    valid = environment.test_start_script_finds_the_variables_valid
    yield passes("0", valid, script_check=Run(0, "configuration is valid", ()))
    yield fails("1", valid, "status 0", "status 1: no key", script_check=Run(1, "no key", ()))


ROWS = [
    *of_checkout(),
    *of_virtualenv(),
    *of_directories(),
    *of_env_file(),
    *of_required(),
    *of_optional(),
]


@pytest.mark.parametrize("row", ROWS)
def test_verdict(row):
    assert judge(row) == row.failure
