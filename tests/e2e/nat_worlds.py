"""Worlds between a client and a server, with and without ftpscope in them: NATs and firewalls that FTP
does not get through by itself.

    with world("source-nat", IPV4, "vsftpd", gates=True) as w:
        with w.client.entered(): ...  # connects to w.target

A world is built in a Lab, with a real server in it. With `gates`, ftpscope runs at the places of the
world's list and the routers have exactly the rules that `ftpscope nat rules` prints, unless the gate
says otherwise.
"""
from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field

import servers
from binary import BINARY
from clients import Target
from machines import Host, Lab
from proxy import Proxy, authority

DATA_PORTS = "40000-40099"
TOLD_PORTS = range(50000, 50100)  # where a port map is between
LISTEN = 2121


@dataclass(frozen=True)
class Family:
    """Networks by what they are for; a host's number is appended."""

    name: str
    nft: str  # as rules name the family
    inside: str  # the client's private network
    between: str  # a provider's, between two NATs
    outside: str
    behind: str  # the server's private network


IPV4 = Family("IPv4", "ip", "10.1.0.", "100.64.0.", "203.0.113.", "10.2.0.")
IPV6 = Family("IPv6", "ip6", "fd00:1::", "fd00:3::", "2001:db8:1::", "fd00:2::")


@dataclass
class Gate:
    """ftpscope on `host`, and the rules on `router` that bring clients to it. No router: they come by
    themselves."""

    host: Host
    router: Host | None
    interface: str  # of the router, to the clients
    mode: str
    listen: str = f":{LISTEN}"
    args: list[str] = field(default_factory=list)
    rules: str | None = None  # in place of those that `ftpscope nat rules` prints


@dataclass
class World:
    client: Host
    server: Host
    server_address: str
    reached_at: str  # what the client knows of the server
    without: list[tuple[Host, str]]  # rules that serve in place of ftpscope
    gates: list[Gate]
    # When it is built:
    target: Target | None = None
    ftp: servers.Server | None = None
    proxies: list[Proxy] = field(default_factory=list)


# --- the parts ---


def masquerade(router: Host, network: str, out: str, family: Family) -> None:
    """The usual NAT: connections out of the network get the router's address."""
    router.nft(
        f"""table {family.nft} source_nat {{
  chain postrouting {{
    type nat hook postrouting priority srcnat
    oifname "{out}" {family.nft} saddr {prefix(network, family)} masquerade
  }}
}}"""
    )


def firewall(router: Host) -> None:
    """Control connections may pass, and what belongs to them by the kernel's own knowledge."""
    router.nft(
        """table inet firewall {
  chain forward {
    type filter hook forward priority filter
    ct state established,related accept
    tcp dport 21 accept
    meta l4proto tcp reject with tcp reset
  }
}"""
    )


def kernel_helper(router: Host) -> None:
    """nf_conntrack_ftp and nf_nat_ftp at work, also on what the router itself sends."""
    router.nft(
        """table inet kernel_ftp {
  ct helper ftp {
    type "ftp" protocol tcp
  }
  chain prerouting {
    type filter hook prerouting priority filter
    tcp dport 21 ct helper set "ftp"
  }
  chain output {
    type filter hook output priority filter
    tcp dport 21 ct helper set "ftp"
  }
}"""
    )


def prefix(network: str, family: Family) -> str:
    return f"{network}/64" if family is IPV6 else f"{network}0/24"


def forward_port(family: Family, to: str) -> str:
    """What a router does with a port forward and no knowledge of FTP."""
    return f"""table {family.nft} forwarding {{
  chain prerouting {{
    type nat hook prerouting priority dstnat
    fib daddr type local tcp dport 21 dnat to {authority(to, 21)}
  }}
}}"""


# --- the worlds ---


def routed(lab: Lab, family: Family, mode: str) -> World:
    """A firewall on the way, no NAT: all addresses are true."""
    client, router, server = lab.host("client"), lab.host("router"), lab.host("server")
    lab.link(client, f"{family.outside}2", router, f"{family.outside}1")
    lab.link(router, f"{family.behind}1", server, f"{family.behind}2")
    client.default_route(f"{family.outside}1")
    server.default_route(f"{family.behind}1")
    router.forwards()
    firewall(router)
    server_address = f"{family.behind}2"
    gate = Gate(router, router, "client", mode)
    return World(client, server, server_address, server_address, [], [gate])


def redirected(lab: Lab, family: Family) -> World:
    return routed(lab, family, "transparent")


def tproxied(lab: Lab, family: Family) -> World:
    return routed(lab, family, "transparent:tproxy")


def source_nat(lab: Lab, family: Family) -> World:
    """The client behind a NAT; the server cannot reach its network."""
    client, router, server = lab.host("client"), lab.host("router"), lab.host("server")
    lab.link(client, f"{family.inside}2", router, f"{family.inside}1")
    lab.link(router, f"{family.outside}1", server, f"{family.outside}2")
    client.default_route(f"{family.inside}1")
    router.forwards()
    masquerade(router, family.inside, "server", family)
    server_address = f"{family.outside}2"
    gate = Gate(router, router, "client", "transparent")
    return World(client, server, server_address, server_address, [], [gate])


def with_helper(lab: Lab, family: Family) -> World:
    """The same, and the kernel's helper rewrites addresses as well."""
    made = source_nat(lab, family)
    kernel_helper(made.gates[0].router)
    return made


def two_nats(lab: Lab, family: Family) -> World:
    client, near = lab.host("client"), lab.host("near")
    far, server = lab.host("far"), lab.host("server")
    lab.link(client, f"{family.inside}2", near, f"{family.inside}1")
    lab.link(near, f"{family.between}2", far, f"{family.between}1")
    lab.link(far, f"{family.outside}1", server, f"{family.outside}2")
    client.default_route(f"{family.inside}1")
    near.default_route(f"{family.between}1")
    for router, network, out in ((near, family.inside, "far"), (far, family.between, "server")):
        router.forwards()
        masquerade(router, network, out, family)
    server_address = f"{family.outside}2"
    gates = [
        # Redirecting, it would bring active data from its own address: a stranger to the near one.
        Gate(far, far, "near", "transparent:tproxy-nat"),
        Gate(near, near, "client", "transparent"),
    ]
    return World(client, server, server_address, server_address, [], gates)


def port_forward(lab: Lab, family: Family) -> World:
    """The server behind a NAT that forwards ports; ftpscope on a machine beside the server."""
    client, router = lab.host("client"), lab.host("router")
    lab.link(client, f"{family.outside}2", router, f"{family.outside}1")
    return behind_port_forward(lab, family, client, router, "client")


def both_nats(lab: Lab, family: Family) -> World:
    """The client behind a NAT with ftpscope on it, the server behind a port forward."""
    client, near, router = lab.host("client"), lab.host("near"), lab.host("router")
    lab.link(client, f"{family.inside}2", near, f"{family.inside}1")
    lab.link(near, f"{family.outside}2", router, f"{family.outside}1")
    client.default_route(f"{family.inside}1")
    near.forwards()
    masquerade(near, family.inside, "router", family)
    made = behind_port_forward(lab, family, client, router, "near")
    made.gates.append(Gate(near, near, "client", "transparent"))
    return made


def behind_port_forward(
    lab: Lab, family: Family, client: Host, router: Host, interface: str
) -> World:
    gate, server = lab.host("gate"), lab.host("server")
    lab.link(router, f"{family.behind}1", gate, f"{family.behind}3")
    # A network of its own, so that the router needs no bridge; the router does not know it.
    lab.link(gate, f"{family.between}1", server, f"{family.between}2")
    router.forwards()
    gate.forwards()
    gate.default_route(f"{family.behind}1")
    server.default_route(f"{family.between}1")
    router.route(prefix(family.between, family), f"{family.behind}3")
    for network in (family.behind, family.between):
        masquerade(router, network, interface, family)
    server_address, public = f"{family.between}2", f"{family.outside}1"
    reverse = Gate(
        gate,
        router,
        interface,
        f"reverse:{authority(server_address, 21)}",
        authority(f"{family.behind}3", LISTEN),
        ["--advertise", public],
    )
    rules = forward_port(family, server_address)
    return World(client, server, server_address, public, [(router, rules)], [reverse])


def other_family(lab: Lab, family: Family) -> World:
    """The client has this family and nothing else, the server the other one: they have ftpscope in
    common, on a machine that does not route."""
    far = IPV4 if family is IPV6 else IPV6
    client, middle, server = lab.host("client"), lab.host("middle"), lab.host("server")
    lab.link(client, f"{family.outside}2", middle, f"{family.outside}1")
    lab.link(middle, f"{far.behind}1", server, f"{far.behind}2")
    client.default_route(f"{family.outside}1")
    server.default_route(f"{far.behind}1")
    server_address, here = f"{far.behind}2", f"{family.outside}1"
    mode = f"reverse:{authority(server_address, 21)}"
    gate = Gate(middle, None, "client", mode, authority(here, 21))
    return World(client, server, server_address, here, [], [gate])


def port_map(lab: Lab, family: Family) -> World:
    """A container, as it were: the router passes other ports one to one to those that ftpscope listens
    on, and knows no FTP."""
    made = port_forward(lab, family)
    (gate,) = made.gates
    gate.args += ["--port-map", f"{DATA_PORTS}={TOLD_PORTS[0]}"]
    gate.rules = published(family, f"{family.behind}3")
    return made


def published(family: Family, to: str) -> str:
    low = int(DATA_PORTS.partition("-")[0])
    ports = {21: LISTEN} | {told: low + at for at, told in enumerate(TOLD_PORTS)}
    pairs = ", ".join(f"{told} : {to} . {listened}" for told, listened in ports.items())
    return f"""table {family.nft} published {{
  chain prerouting {{
    type nat hook prerouting priority dstnat
    fib daddr type local dnat to tcp dport map {{ {pairs} }}
  }}
}}"""


WORLDS = {
    "redirect": redirected,
    "tproxy": tproxied,
    "source-nat": source_nat,
    "port-forward": port_forward,
    "both-nats": both_nats,
    "two-nats": two_nats,
    "kernel-helper": with_helper,
    "other-family": other_family,
    "port-map": port_map,
}


# --- building one ---


@contextlib.contextmanager
def world(name: str, family: Family, server: str, gates: bool, lacks: Sequence[str] = ()):
    """`lacks`: see servers.start()."""
    with Lab() as lab, contextlib.ExitStack() as stack:
        made = WORLDS[name](lab, family)
        with made.server.entered():
            made.ftp = stack.enter_context(servers.start(server, made.server_address, 21, lacks))
        made.target = Target(made.reached_at, 21, made.ftp.user, made.ftp.password)
        for host, rules in () if gates else made.without:
            host.nft(rules)
        for gate in made.gates if gates else ():
            made.proxies.append(stack.enter_context(opened(gate)))
        yield made


@contextlib.contextmanager
def opened(gate: Gate):
    args = ["--mode", gate.mode, "--data-ports", DATA_PORTS, *gate.args]
    if gate.router:
        load_rules(gate)
    with gate.host.entered():
        # Not as root: what the modes need, they keep.
        running = Proxy(None, args, gate.listen, "nat", servers.USER)
        running.__enter__()
    # The machine's namespace is the process's own for good; its end needs no entering.
    with contextlib.ExitStack() as stack:
        stack.push(running)
        yield running


def load_rules(gate: Gate) -> None:
    if gate.rules:
        gate.router.nft(gate.rules)
        return
    options = ["--mode", gate.mode, "--listen", gate.listen]
    options += ["--interface", gate.interface, "--data-ports", DATA_PORTS]
    gate.router.nft(printed_rules(*options))
    gate.router.run("sh", "-e", script=printed_rules(*options, "--routes"))


def printed_rules(*options: str) -> str:
    argv = [str(BINARY), "nat", "rules", *options]
    return subprocess.run(argv, check=True, text=True, stdout=subprocess.PIPE).stdout
