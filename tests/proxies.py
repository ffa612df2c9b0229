"""nginx, HAProxy, Caddy and Traefik of the tests' own, in front of bridges: real ones, on loopback, each one process
that writes into its test's folder alone."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import GIVE_UP_SECONDS, wait_until

__all__ = [
    "DEPLOY",
    "Proxy",
    "running_caddy",
    "running_haproxy",
    "running_nginx",
    "running_program",
    "running_traefik",
]

DEPLOY = Path(__file__).parents[1] / "deploy"

# Debian puts them where only root looks, and pip beside Python.
PLACES = os.pathsep.join(
    (str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin")
)
# All that nginx writes, and that it runs alone, in the foreground, as whoever starts it.
NGINX = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {log} info;
events {{ worker_connections 256; }}
http {{
    access_log {log};
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxied;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{configuration}
}}
"""
# All that Traefik is told at its start; another proxy may say to it for whom it asks (PROXY protocol).
TRAEFIK = """\
global: {{ checkNewVersion: false, sendAnonymousUsage: false }}
log: {{ level: INFO }}
accessLog: {{}}
entryPoints:
  websecure: {{ address: "127.0.0.1:{port}", proxyProtocol: {{ trustedIPs: [127.0.0.1/32] }} }}
providers: {{ file: {{ filename: {file}, watch: false }} }}
"""


@dataclass(frozen=True, slots=True)
class Proxy:
    """One that runs."""

    port: int
    log: Path
    """What it complains of, and each request."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running_nginx(folder: Path, configuration: str, port: int) -> Iterator[Proxy]:
    """Starts nginx with what is to stand in its `http { … }`, waits until it listens on the `port` that this names,
    and kills it in the end."""
    log = folder / "nginx.log"
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, log=log, configuration=configuration))
    arguments = ["-e", str(log), "-p", str(folder), "-c", str(file)]
    with running_program("nginx", arguments, Proxy(port, log)) as proxy:
        yield proxy


@contextmanager
def running_haproxy(folder: Path, configuration: str, port: int) -> Iterator[Proxy]:
    """As `running_nginx`, with the whole of HAProxy's configuration; `log stdout format raw local0` has it log."""
    file = folder / "haproxy.cfg"
    file.write_text(configuration)
    with running_program("haproxy", ["-db", "-f", str(file)], Proxy(port, folder / "haproxy.log")) as proxy:
        yield proxy


@contextmanager
def running_caddy(folder: Path, configuration: str, port: int) -> Iterator[Proxy]:
    """As `running_nginx`, with the whole of a Caddyfile. What Caddy keeps, it keeps in the folder."""
    file = folder / "Caddyfile"
    file.write_text(configuration)
    proxy, places = Proxy(port, folder / "caddy.log"), {"HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with running_program("caddy", ["run", "--config", str(file)], proxy, variables=places) as running:
        yield running


@contextmanager
def running_traefik(folder: Path, configuration: str, port: int) -> Iterator[Proxy]:
    """As `running_nginx`, with the whole of a file of its `providers.file`."""
    file, static = folder / "bridge.yaml", folder / "traefik.yaml"
    file.write_text(configuration)
    static.write_text(TRAEFIK.format(port=port, file=file))
    arguments = [f"--configFile={static}"]
    with running_program("traefik", arguments, Proxy(port, folder / "traefik.log")) as proxy:
        yield proxy


@contextmanager
def running_program(
    name: str,
    arguments: Sequence[str],
    proxy: Proxy,
    *,
    user: str | None = None,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Proxy]:
    """Starts a program, as somebody else where a user is named, and waits until it listens; kills it in the end."""
    program = shutil.which(name, path=PLACES)
    assert program, f"these tests need {name}: `make test` installs it"
    with proxy.log.open("ab") as log:
        process = subprocess.Popen(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            user=user,
            env={**os.environ, **(variables or {})},
        )
    try:
        wait_until(lambda: process.poll() is not None or _listens(proxy.port))
        assert process.poll() is None, f"{name} did not start:\n{proxy.log.read_text()}"
        yield proxy
    finally:
        process.kill()
        process.wait(timeout=GIVE_UP_SECONDS)


def _listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0
