"""The application as it runs on a good host, for the tables of its checks."""

from cutover.facts.application import Application, Process

GROUP = "/system.slice/mirai-knowledge-system.service"
NOW = 1_795_481_938
MASTER = Process(pid=134, parent=1, age=1200, user="mks", group=GROUP, gunicorn=True)
WORKERS = tuple(Process(pid, 134, 1199, "mks", GROUP, True) for pid in (140, 143, 144, 145, 148))
RUNNING = Application(NOW, frozenset({"127.0.0.1:8000"}), (MASTER,), WORKERS, ())
STOPPED = Application(NOW, frozenset(), (), (), ())
