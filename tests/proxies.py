"""nginx, HAProxy and Caddy of the tests' own, in front of bridges: real ones, on loopback, each one process that
writes into its test's folder alone."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import GIVE_UP_SECONDS, wait_until

__all__ = ["DEPLOY", "Proxy", "deployed", "running_caddy", "running_haproxy", "running_nginx", "running_program"]

DEPLOY = Path(__file__).parents[1] / "deploy"

# Debian puts them where only root looks.
PLACES = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
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


@dataclass(frozen=True, slots=True)
class Proxy:
    """One that runs."""

    port: int
    log: Path
    """What it complains of, and each request."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def deployed(name: str, others: Mapping[str, str]) -> str:
    """One of the configurations that the bridge brings, with its addresses replaced by others."""
    text = (DEPLOY / name).read_text()
    for ours, other in others.items():
        assert ours in text, f"deploy/{name} has no {ours!r}"
        text = text.replace(ours, other)
    return text


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
    assert program, f"these tests need {name}: `make programs` installs it"
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
