"""What the new server lacks that the old one has. The reference host is the old one of its copies."""

from lab.faults import fault
from lab.faults.web import SITE, edit
from lab.host import Host

DATA = "/var/lib/mirai-knowledge-system/data/knowledge.json"


def change_records(host: Host, statement: str) -> None:
    """Change the list ``r`` of knowledge records by a Python statement, mode and owner kept."""
    host.run(
        f'python3 -c \'import json; p = "{DATA}"; r = json.load(open(p)); {statement}; json.dump(r, open(p, "w"))\''
    )


@fault(fails={"every_record_of_the_old_server_is_there"})
def record_edited_after_the_copy(host: Host) -> None:
    """Somebody corrected a title on the old server while the data was on its way."""
    change_records(host, 'r[0]["title"] = "a title of yesterday"')


@fault(fails={"every_record_of_the_old_server_is_there"})
def records_lost_in_the_copy(host: Host) -> None:
    """The copy was made while a write was under way."""
    change_records(host, "del r[3:7]")


@fault(fails={"headers_of_the_old_server_are_kept"})
def header_lost_in_the_move(host: Host) -> None:
    """A line of the old site that nobody knew the use of: caches mix the answers to two origins now."""
    edit(host, SITE, "s|proxy_pass http://127.0.0.1:8000;|&\\n        proxy_hide_header Vary;|")


@fault(fails={"bodies_are_those_of_the_old_server", "checkout_is_unchanged"})
def front_page_of_another_release(host: Host) -> None:
    """A template edited on the server, for a moment."""
    host.run("echo '<!-- trial -->' >>/opt/mirai-knowledge-systems/backend/mks/templates/index.html")
    host.run("systemctl restart mirai-knowledge-system && sleep 2")


@fault(fails={"answers_are_of_the_same_kind_as_the_old_servers", "bodies_are_those_of_the_old_server"})
def static_files_are_gone(host: Host) -> None:
    """The location was thought to be dead."""
    edit(host, SITE, "s|location /static/ {|&\\n        return 404;|")
