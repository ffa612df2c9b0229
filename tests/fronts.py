"""The proxies of deploy/ in front of bridges of the tests: the configurations as they are but for addresses, places
of certificates, and where a proxy writes what it does."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.servers import free_port
from tests.asking import client_of
from tests.certificates import Certificate
from tests.conftest import BridgeProcess
from tests.proxies import DEPLOY, Proxy, running_caddy, running_haproxy, running_nginx, running_traefik

__all__ = ["FRONTS", "NAME", "Front", "deployed", "haproxy_without_tls", "nginx_without_tls", "with_tls"]

NAME = "bridge.example"
"""Of the bridge, in all of them: no name service knows it, so that a client has to be told where it is."""

Others = Mapping[str, str]
Start = Callable[[Path, str, int], AbstractContextManager[Proxy]]


@dataclass(frozen=True, slots=True)
class Front:
    """A proxy with TLS, and what is behind it."""

    proxy: Proxy
    plain: Proxy
    """Where it speaks none, and says where to go instead. Traefik's is a matter of its static configuration."""
    behind: Proxy
    """Where another proxy says for whom it asks (PROXY protocol, which Caddy 2.6 does not know)."""
    certificate: Certificate

    @property
    def url(self) -> str:
        """As people and stock clients write it."""
        return f"https://{NAME}:{self.proxy.port}"

    def client(self, source: str = "127.0.0.1", **options: Any) -> httpx.Client:
        """One that comes from an address of the loopback, and finds the bridge's name there."""

        def find(request: httpx.Request) -> None:
            request.extensions["sni_hostname"] = NAME

        transport = httpx.HTTPTransport(verify=self.certificate.trusted(), local_address=source, trust_env=False)
        return client_of(
            f"https://127.0.0.1:{self.proxy.port}",
            transport=transport,
            event_hooks={"request": [find]},
            headers={"Host": NAME, **options.pop("headers", {})},
            **options,
        )

    def asking(self, source: str) -> dict[str, str]:
        """How a front end of the listeners' finds it, from an address of the loopback."""
        return {"authority": str(self.certificate.authority), "source": source}


def deployed(name: str, others: Others) -> str:
    """One of the configurations that the bridge brings, with parts of it replaced by others."""
    text = (DEPLOY / name).read_text()
    for ours, other in others.items():
        assert ours in text, f"deploy/{name} has no {ours!r}"
        text = text.replace(ours, other)
    return text


def _one_and_two(one: str, two: str, bridges: Sequence[BridgeProcess]) -> Others:
    """The addresses of up to two bridges; the second is there in a comment alone."""
    first, *others = bridges
    found = {one: one.replace("127.0.0.1:8000", f"127.0.0.1:{first.port}")}
    if others:
        found[f"# {two}"] = two.replace("10.0.0.8:8000", f"127.0.0.1:{others[0].port}")
    return found


def nginx_without_tls(listen: str, bridges: Sequence[BridgeProcess]) -> Others:
    """As its comments say."""
    text = (DEPLOY / "nginx.conf").read_text()
    redirecting = f"server {{{text.partition('server {')[2].partition('server {')[0]}"
    tls = "".join(line for line in text.splitlines(keepends=True) if line.startswith("    ssl_"))
    return {
        redirecting: "",
        "listen 443 ssl http2;": listen,
        tls: "",
        **_one_and_two("server 127.0.0.1:8000 ", "server 10.0.0.8:8000 ", bridges),
    }


HAPROXY_LOGS = {"defaults\n": "global\n    log stdout format raw local0\ndefaults\n"}


def haproxy_without_tls(binds: str, bridges: Sequence[BridgeProcess]) -> Others:
    """As its comments say."""
    [tls] = [line for line in (DEPLOY / "haproxy.cfg").read_text().splitlines() if "bind :443" in line]
    return {
        f"{tls}\n": "",
        "    bind :80\n": f"    {binds}\n",
        "    http-request redirect scheme https code 308 unless { ssl_fc }\n": "",
        ' secure attr "SameSite=None"': "",
        **_one_and_two("127.0.0.1:8000", "server two 10.0.0.8:8000", bridges),
        **HAPROXY_LOGS,
    }


def _nginx(port: int, plain: int, behind: int, files: Certificate, bridges: Sequence[BridgeProcess]) -> Others:
    letsencrypt = "/etc/letsencrypt/live/bridge.example"
    return {
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl http2;"
        f" listen 127.0.0.1:{behind} ssl http2 proxy_protocol;"
        " set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol;",
        f"{letsencrypt}/fullchain.pem": str(files.chain),
        f"{letsencrypt}/privkey.pem": str(files.key),
        **_one_and_two("server 127.0.0.1:8000 ", "server 10.0.0.8:8000 ", bridges),
    }


def _haproxy(port: int, plain: int, behind: int, files: Certificate, bridges: Sequence[BridgeProcess]) -> Others:
    [tls] = [line for line in (DEPLOY / "haproxy.cfg").read_text().splitlines() if "bind :443" in line]
    ours = tls.replace("/etc/haproxy/bridge.pem", str(files.whole))
    binds = [ours.replace(":443", f"127.0.0.1:{port}"), ours.replace(":443", f"127.0.0.1:{behind} accept-proxy")]
    return {
        tls: "\n".join(binds),
        "bind :80\n": f"bind 127.0.0.1:{plain}\n",
        **_one_and_two("127.0.0.1:8000", "server two 10.0.0.8:8000", bridges),
        **HAPROXY_LOGS,
    }


def _caddy(port: int, plain: int, _behind: int, files: Certificate, bridges: Sequence[BridgeProcess]) -> Others:
    return {
        "{\n\tservers {": f"{{\n\tadmin off\n\thttp_port {plain}\n\thttps_port {port}\n"
        "\tdefault_bind 127.0.0.1\n\tservers {",
        "bridge.example {": "bridge.example {\n\tlog",
        "# tls /etc/caddy/bridge.crt /etc/caddy/bridge.key": f"tls {files.chain} {files.key}",
        **_one_and_two("127.0.0.1:8000", "to 10.0.0.8:8000", bridges),
    }


def _traefik(_port: int, _plain: int, _behind: int, files: Certificate, bridges: Sequence[BridgeProcess]) -> Others:
    return {
        "/etc/traefik/bridge.crt": str(files.chain),
        "/etc/traefik/bridge.key": str(files.key),
        **_one_and_two("- url: http://127.0.0.1:8000", "- url: http://10.0.0.8:8000", bridges),
    }


FRONTS: Mapping[str, tuple[str, Callable[..., Others], Start]] = {
    "nginx": ("nginx.conf", _nginx, running_nginx),
    "haproxy": ("haproxy.cfg", _haproxy, running_haproxy),
    "caddy": ("Caddyfile", _caddy, running_caddy),
    "traefik": ("traefik.yaml", _traefik, running_traefik),
}


@contextmanager
def with_tls(
    kind: str, folder: Path, port: int, certificate: Certificate, bridges: Sequence[BridgeProcess]
) -> Iterator[Front]:
    """One of FRONTS on a port, before one bridge or two."""
    file, others, start = FRONTS[kind]
    plain, behind = free_port(), free_port()
    configuration = deployed(file, others(port, plain, behind, certificate, bridges))
    with start(folder, configuration, port) as proxy:
        # Traefik takes both at one port.
        behind_port = port if kind == "traefik" else behind
        yield Front(proxy, Proxy(plain, proxy.log), Proxy(behind_port, proxy.log), certificate)
