"""No defect at all: what fails here is a false no."""

from lab.faults import fault
from lab.host import Host


@fault()
def nothing(host: Host) -> None:
    """The host as it was deployed."""


@fault()
def ports_by_their_profiles(host: Host) -> None:
    """The checklist's three ports in ufw's other words, and slowed down who comes too often for ssh."""
    host.run("""
    ufw limit OpenSSH
    ufw allow 'Nginx Full'
    for port in 22 80 443; do ufw delete allow $port/tcp; done
    """)


@fault()
def rules_of_others(host: Host) -> None:
    """What fail2ban writes, and Docker for a port on loopback: nobody gets in by that."""
    host.run("""
    iptables -N f2b-sshd
    iptables -I INPUT -p tcp -m multiport --dports 22 -j f2b-sshd
    iptables -A f2b-sshd -s 203.0.113.66/32 -j REJECT
    iptables -A f2b-sshd -j RETURN
    iptables -t nat -N DOCKER
    iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
    iptables -t nat -A DOCKER -d 127.0.0.1/32 ! -i docker0 -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
    """)
