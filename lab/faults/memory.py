"""Defects of the application's memory under load (section 13)."""

from lab.faults import fault
from lab.faults.application import BACKEND, restart
from lab.host import Host

# Not zeroes: those cost nothing until somebody writes to them.
_LEAKY = """
_answer, _kept = app.wsgi_app, []


def leaky(environ, start_response):
    _kept.append(b"x" * 2**20)
    return _answer(environ, start_response)


app.wsgi_app = leaky
"""

# The rest of the suite would see the connections that a worker drops when it ends.
MEMORY_ALONE = ("tests_perf/test_memory.py",)


@fault(fails={"memory_comes_back_after_load", "checkout_is_unchanged"})
def a_megabyte_kept_of_each_request(host: Host) -> None:
    """A list at the level of a module, to which each request adds."""
    host.run(f"cat >>{BACKEND}/wsgi.py <<'END'\n{_LEAKY}END\n")
    restart(host)


@fault(errors={"memory_comes_back_after_load"}, options=MEMORY_ALONE)
def workers_replaced_under_load(host: Host) -> None:
    """max_requests, set to hide a leak: who looks before and after sees other processes, all small."""
    host.run(f"echo max_requests = 20 >>{BACKEND}/gunicorn.conf.py; cat >>{BACKEND}/wsgi.py <<'END'\n{_LEAKY}END\n")
    restart(host)


@fault(options=MEMORY_ALONE)
def healthy_appetite_of_a_moment(host: Host) -> None:
    """No defect: what a request needs and gives back."""
    host.run(f"""cat >>{BACKEND}/wsgi.py <<'END'
_answer = app.wsgi_app


def hungry(environ, start_response):
    held = b"x" * (50 * 2**20)
    return _answer(environ, start_response)


app.wsgi_app = hungry
END
""")
    restart(host)
