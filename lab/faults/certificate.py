"""Defects of the certificate on the host and of its renewal."""

from lab.faults import fault
from lab.faults.nginx import OF_THE_CONFIGURATION
from lab.host import Host

LINEAGE = "/etc/letsencrypt/live/api.example.test"
ARCHIVE = "/etc/letsencrypt/archive/api.example.test"
CONF = "/etc/letsencrypt/renewal/api.example.test.conf"
HOOK = "/etc/letsencrypt/renewal-hooks/deploy/reload-nginx"

# A certificate of the host's own making, for a name, with a key beside it.
_MAKE = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -keyout {key} -out {certificate}"
_NAME = " -subj /CN={name} -addext subjectAltName=DNS:{name}"


def make(host: Host, name: str, certificate: str, key: str = "/root/other.key") -> None:
    """Make a certificate that nobody vouches for."""
    host.run((_MAKE + _NAME).format(name=name, certificate=certificate, key=key))


@fault(fails={"private_key_is_readable_by_root_only"})
def key_readable_by_all(host: Host) -> None:
    """chmod -R for a monitoring agent that wanted to look at the certificate."""
    host.run(f"chmod 644 {ARCHIVE}/privkey1.pem && systemctl reload nginx")


@fault(fails={"served_certificate_is_the_one_on_disk", "nginx_has_read_the_certificate_on_disk"})
def renewed_and_not_loaded(host: Host) -> None:
    """Renewed with a hook that does not reload nginx: the old one is served until it expires."""
    host.run("sleep 4")
    make(host, "api.example.test", f"{ARCHIVE}/fullchain1.pem", f"{ARCHIVE}/privkey1.pem")


@fault(
    fails={"private_key_matches_the_certificate", "nginx_accepts_the_configuration"},
    errors=OF_THE_CONFIGURATION,
)
def key_of_another_certificate(host: Host) -> None:
    """A key copied from the old server over the new one: nginx runs until it is restarted."""
    host.run(f"openssl ecparam -name prime256v1 -genkey -noout -out {ARCHIVE}/privkey1.pem")


@fault(fails={"renewed_certificate_is_loaded_by_nginx"})
def hook_is_not_executable(host: Host) -> None:
    """certbot runs what is executable in its hook directories, and passes over the rest without a word."""
    host.run(f"chmod -x {HOOK}")


@fault(fails={"renewal_runs_by_itself"})
def timer_off(host: Host) -> None:
    """Switched off for the migration. Debian's entry in cron.d does nothing under systemd."""
    host.run("systemctl disable --now certbot.timer")


@fault(fails={"renewal_runs_by_itself"})
def timer_gone_after_the_next_boot(host: Host) -> None:
    """Started, and never enabled."""
    host.run("systemctl disable certbot.timer")


@fault(fails={"renewal_asks_an_authority_that_clients_trust"})
def staging_left_in(host: Host) -> None:
    """A rehearsal with --staging stays in the renewal's configuration."""
    host.run(f"sed -i 's|^server = .*|server = https://acme-staging-v02.api.letsencrypt.org/directory|' {CONF}")


@fault(fails={"renewal_can_prove_the_name"})
def webroot_is_elsewhere(host: Host) -> None:
    """The challenge is laid where nginx does not look."""
    host.run(f"sed -i 's|/var/www/html|/var/www/letsencrypt|' {CONF}")


@fault(fails={"renewal_can_prove_the_name"})
def standalone(host: Host) -> None:
    """Obtained before nginx was there, by certbot's own web server, whose port nginx has now."""
    host.run(f"sed -i 's|^authenticator = .*|authenticator = standalone|' {CONF}")


@fault(fails={"renewal_is_configured", "renewal_can_prove_the_name", "renewal_asks_an_authority_that_clients_trust"})
def copied_without_its_renewal(host: Host) -> None:
    """live and archive came from the old server, renewal did not."""
    host.run(f"rm {CONF}")


@fault(fails={"last_renewal_had_no_error", "renewal_service_has_not_failed", "no_unit_has_failed"})
def renewal_fails(host: Host) -> None:
    """The authority cannot be reached, twice a day, in a log that nobody reads."""
    host.run(f"sed -i 's|^server = .*|server = https://acme.example.test:1/dir|' {CONF}")
    host.run(f"sed -i 's|^# renew_before_expiry.*|renew_before_expiry = 400 days|' {CONF}")
    host.run("systemctl start certbot.service || true")


@fault(
    fails={
        "certbot_is_installed",
        "renewal_runs_by_itself",
        "program_is_there",
        "certificate_expiry_is_told_every_week",
    }
)
def certbot_removed(host: Host) -> None:
    """autoremove took it along."""
    host.run("DEBIAN_FRONTEND=noninteractive apt-get remove -y certbot")


@fault(
    fails={
        "certificate_on_disk_is_for_this_name",
        "served_certificate_is_the_one_on_disk",
        "nginx_has_read_the_certificate_on_disk",
    }
)
def another_name_on_disk(host: Host) -> None:
    """Asked again for the bare domain only, into the same lineage; nginx has yet to read it."""
    host.run("sleep 4")
    make(host, "example.test", f"{ARCHIVE}/fullchain1.pem", f"{ARCHIVE}/privkey1.pem")


@fault(
    fails={"certificate_files_exist", "private_key_is_readable_by_root_only", "nginx_accepts_the_configuration"},
    errors=OF_THE_CONFIGURATION
    | {
        "certificate_on_disk_is_for_this_name",
        "private_key_matches_the_certificate",
        "served_certificate_is_the_one_on_disk",
    },
)
def archive_not_copied(host: Host) -> None:
    """live without archive: links that lead nowhere. nginx lives on what it has in memory."""
    host.run(f"mv {ARCHIVE} /root/")


@fault(fails={"rehearsed_renewal_succeeds"}, options=("--allow-active",))
def name_leads_elsewhere(host: Host) -> None:
    """Nothing is wrong but that DNS still leads to the other host, which has no challenge, as before every change."""
