"""The ports as a stranger finds them: what is to be closed is asked several times, and open counts."""

import errno
import socket
import threading
import time

import pytest

from cutover.errors import ProbeError, Unreachable
from cutover.inventory import Limits, Peer, Target
from cutover.inventory import Ports as PromisedPorts
from cutover.probes import ports
from selftest.rows import HOST

OPEN, CLOSED = (22, 80, 443), (8000, 5432)


class Network:
    """What becomes of each connection to a port, in turn; of the last of them ever after."""

    def __init__(self, **states):
        self.states = {int(port.removeprefix("p")): list(told) for port, told in states.items()}
        self.asked = []
        self._one = threading.Lock()

    def connect(self, address, seconds):
        with self._one:
            self.asked.append((address[1], seconds))
            told = self.states.get(address[1], ["filtered"])
            state = told.pop(0) if len(told) > 1 else told[0]
        if state == "open":
            return socket.socket()
        if isinstance(state, int):
            raise OSError(state, "whatever")
        raise ConnectionRefusedError if state == "refused" else TimeoutError


def look(monkeypatch, network, **limits):
    monkeypatch.setattr(ports.socket, "create_connection", network.connect)
    target = Target(host=HOST, ports=PromisedPorts(closed=CLOSED), limits=Limits(**limits))
    return ports.probe(Peer(target, "127.0.0.1"))


def test_each_port_has_its_state(monkeypatch):
    network = Network(p22=["open"], p80=["open"], p443=["refused"], p8000=["refused"])
    assert look(monkeypatch, network).states == {
        22: "open",
        80: "open",
        443: "refused",
        5432: "filtered",
        8000: "refused",
    }


@pytest.mark.parametrize("lack", [errno.EMFILE, errno.ENOBUFS, errno.EADDRNOTAVAIL, errno.EPERM])
def test_what_this_machine_lacks_closes_no_port(monkeypatch, lack):
    """Taken for "filtered" it would let every port pass that is to be closed."""
    network = Network(p22=["open"], p80=["open"], p443=["open"], p8000=[lack], p5432=[lack])
    with pytest.raises(ProbeError, match="this machine cannot ask for port"):
        look(monkeypatch, network)


@pytest.mark.parametrize("answer", ["open", "refused"])
def test_a_network_that_goes_away_meanwhile_closes_no_port(monkeypatch, answer):
    network = Network(p22=["filtered"], p80=[answer, "filtered"], p443=[answer, "filtered"])
    with pytest.raises(Unreachable, match="answered on port 443 and then on none any more"):
        look(monkeypatch, network)


def test_one_port_that_still_answers_is_enough(monkeypatch):
    """ufw limits how often somebody may come for ssh."""
    network = Network(p22=["open", "filtered"], p443=["open", "filtered"], p80=["open"])
    assert look(monkeypatch, network).states[8000] == "filtered"


@pytest.mark.parametrize(
    "told",
    [("filtered", "open"), ("open", "filtered"), ("refused", "open"), ("filtered", "filtered", "filtered", "open")],
)
def test_one_answer_is_enough_for_an_open_port(monkeypatch, told):
    network = Network(p22=["open"], p8000=told)
    assert look(monkeypatch, network).states[8000] == "open"


def test_a_port_that_is_to_be_open_has_all_the_time_it_was_promised(monkeypatch):
    network = Network(p22=["open"])
    look(monkeypatch, network, connect_seconds=7.0)
    assert sorted(network.asked[:3]) == [(port, 7.0) for port in OPEN]
    assert network.asked[-1] == (22, 7.0)


def test_a_port_that_is_to_be_closed_has_the_time_of_the_way(monkeypatch):
    network = Network(p22=["open"], p80=["open"])
    connect = network.connect

    def slowly(address, seconds):
        time.sleep(0.1)
        return connect(address, seconds)

    network.connect = slowly
    look(monkeypatch, network)
    waited = {port: [seconds for asked, seconds in network.asked if asked == port] for port in CLOSED}
    assert {port: len(each) for port, each in waited.items()} == dict.fromkeys(CLOSED, 4)
    assert all(0.5 <= seconds < 5 for each in waited.values() for seconds in each)
    network.asked.clear()
    look(monkeypatch, network, connect_seconds=0.3)
    assert {seconds for _, seconds in network.asked} == {0.3}


@pytest.mark.parametrize(("told", "asked"), [(["refused"], 2), (["open"], 1), (["filtered", "refused"], 3)])
def test_who_answers_is_not_asked_much_more(monkeypatch, told, asked):
    network = Network(p22=["open"], p8000=told)
    assert look(monkeypatch, network).states[8000] == told[-1]
    assert [port for port, _ in network.asked].count(8000) == asked


def test_a_host_that_answers_nowhere_is_no_host_with_closed_ports(monkeypatch):
    with pytest.raises(Unreachable, match="answers on none of 5 ports within 5 s"):
        look(monkeypatch, Network())
