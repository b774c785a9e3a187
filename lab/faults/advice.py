"""What the advice beyond the checklist warns of. It is told, and a run without other failures stays green."""

from lab.faults import fault
from lab.faults.application import ENVIRONMENT
from lab.faults.service import edit as edit_unit
from lab.faults.web import HEADERS, SITE, edit
from lab.host import OPERATOR, Host

AUTH_LOG = "/var/log/auth.log"


@fault(
    fails={
        "programs_are_confined_by_the_kernel",
        "kernel_keeps_users_apart",
        "kernel_believes_no_strangers_routes",
    }
)
def kernel_as_it_comes(host: Host) -> None:
    """Nothing was set. The lab's hosts are containers, whose kernel is not theirs: this one hides that it is one."""
    host.run("rm /run/systemd/container")


@fault(fails={"memory_of_the_application_stays_out_of_files"})
def core_dumps_for_a_search(host: Host) -> None:
    """Allowed for one crash, and never taken back."""
    edit_unit(host, "s/^UMask=.*/&\\nLimitCORE=infinity/")


@fault(fails={"failed_logins_lead_to_a_ban"})
def fail2ban_off(host: Host) -> None:
    """It had banned a colleague."""
    host.run("systemctl disable --now fail2ban")


@fault(fails={"failed_logins_lead_to_a_ban"})
def fail2ban_reads_a_dead_log(host: Host) -> None:
    """The jail's default file, left behind by a syslog daemon that has gone: sshd's words are in the journal."""
    jail = f"[sshd]\\nenabled = true\\nbackend = polling\\nlogpath = {AUTH_LOG}\\n"
    host.run(
        f"touch -d '40 days ago' {AUTH_LOG}; printf '{jail}' >/etc/fail2ban/jail.d/zz.local"
        "; systemctl restart fail2ban"
        "; for try in $(seq 50); do fail2ban-client status sshd && exit; sleep 0.2; done; exit 1"
    )


@fault(fails={"no_unit_has_failed"})
def nightly_job_fails(host: Host) -> None:
    """It has for weeks, and nobody looks."""
    host.run("systemd-run --unit=nightly-report --wait false", check=False)


@fault(fails={"services_run_what_is_installed"})
def library_replaced_below_services(host: Host) -> None:
    """An update of OpenSSL, and no service was started anew."""
    host.run("set -e; file=$(find /usr/lib -name libcrypto.so.3); cp -a $file $file.new; mv $file.new $file")


@fault(fails={"answers_do_not_tell_a_version", "bodies_are_those_of_the_old_server"})
def version_in_the_header(host: Host) -> None:
    """The checklist's template as it is."""
    edit(host, SITE, "/server_tokens/d")


@fault(fails={"no_secret_is_readable_by_everybody"})
def key_for_a_colleague(host: Host) -> None:
    """A private key put where a colleague could fetch it."""
    host.run("openssl genrsa -out /srv/git/deploy.pem 2048 && chmod 644 /srv/git/deploy.pem")


@fault(fails={"no_secret_is_readable_by_everybody"})
def environment_kept_at_home(host: Host) -> None:
    """A copy of the environment file from before a change."""
    host.run(f"install -m 644 {ENVIRONMENT} /home/{OPERATOR}/env.before")


@fault(fails={"unit_is_shut_in"})
def unit_of_the_checklist(host: Host) -> None:
    """The unit as the checklist has it: a user of its own, and the whole host before it."""
    edit_unit(host, "/^NoNewPrivileges=/,/^SystemCallFilter=/d")


@fault(fails={"pages_say_what_they_may_load", "headers_of_the_old_server_are_kept"})
def no_content_policy(host: Host) -> None:
    """It broke a chart, and was taken out."""
    edit(host, HEADERS, "/Content-Security-Policy/d")


@fault(fails={"cookies_stay_with_the_site"})
def cookie_for_everybody(host: Host) -> None:
    """A cookie of a load balancer's trial, as it stood in an example."""
    edit(host, HEADERS, '$aadd_header Set-Cookie "route=a1; Path=/" always;')
