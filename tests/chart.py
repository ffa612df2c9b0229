"""`make chart`: renders the Helm chart with Helm's own engine, and holds what comes of it against the schemas of
Kubernetes, in an environment of its own: both together are a hundred megabytes."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml  # type: ignore[import-untyped]
from helm_python.chart import Chart, lint
from kubernetes_validate.utils import all_versions

CHART = Path(__file__).parents[1] / "deploy" / "helm" / "bridge"
OLDEST = (1, 25)
"""As `kubeVersion` in Chart.yaml."""
NOTE = 1
"""Of lint's severities the last that is no fault."""
USUAL = {"Deployment", "PodDisruptionBudget", "Service"}
EVERYTHING: Mapping[str, Any] = {
    "image": {"tag": "1.2.3", "pullSecrets": [{"name": "registry"}]},
    "trustedProxies": "10.0.0.0/16",
    "settings": {
        "time_zone": "Europe/Zurich",
        "retention_events": 2_000_000,
        "traces": True,
        "alerts": {"digest_minutes": 30},
    },
    "metrics": {"serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}},
    "ingress": {
        "enabled": True,
        "className": "nginx",
        "annotations": {"nginx.ingress.kubernetes.io/affinity": "cookie"},
        "tlsSecretName": "bridge-tls",
    },
    "nodeSelector": {"pool": "money"},
    "tolerations": [{"key": "money", "operator": "Exists", "effect": "NoSchedule"}],
}
SET = {
    "BRIDGE_TIME_ZONE": "Europe/Zurich",
    "BRIDGE_RETENTION_EVENTS": "2000000",
    "BRIDGE_TRACES": "true",
    "BRIDGE_ALERTS": '{"digest_minutes":30}',
    "BRIDGE_TRUSTED_PROXIES": "10.0.0.0/16",
    "BRIDGE_SERVICES_FILE": "/run/secrets/bridge/services.toml",
}
"""What bridges are told by that."""
CASES: tuple[tuple[Mapping[str, Any], set[str]], ...] = (
    ({}, USUAL),
    ({"replicas": 1}, USUAL - {"PodDisruptionBudget"}),
    ({"servicesKey": ""}, USUAL),
    (EVERYTHING, USUAL | {"Ingress", "ServiceMonitor"}),
)


def documents(values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    with Chart.load(str(CHART)) as chart:
        rendered = chart.render(dict(values), name="money")
    for text in rendered.values():
        yield from (one for one in yaml.safe_load_all(text) if one is not None)


def faults() -> Iterator[str]:
    yield from (said["error"] for said in lint(str(CHART), strict=True)["messages"] if said["severity"] > NOTE)
    for values, wanted in CASES:
        found = {one["kind"]: one for one in documents(values)}
        if found.keys() != wanted:
            yield f"with {dict(values)} there are {sorted(found)}"
        for kind, one in found.items():
            yield from () if kind == "ServiceMonitor" else of_schemas(one)  # which is the Prometheus Operator's own
    told = told_by(found["Deployment"])
    yield from (
        f"{name} is {told.get(name)!r}, not {value!r}" for name, value in SET.items() if told.get(name) != value
    )
    [bare] = [one for one in documents({"servicesKey": ""}) if one["kind"] == "Deployment"]
    if "BRIDGE_SERVICES_FILE" in told_by(bare):
        yield "services are named where there are none"
    # Without a cluster there is no secret to look at; but a change of it is to change this.
    if bare["spec"]["template"]["metadata"]["annotations"] != {"secret-version": ""}:
        yield "the pods do not say of which version their secret is"


def told_by(deployment: Mapping[str, Any]) -> dict[str, str]:
    """What its bridges have in their environment."""
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one["value"] for one in container["env"]}


def of_schemas(document: dict[str, Any]) -> Iterator[str]:
    for version in sorted(set(all_versions())):
        if tuple(map(int, version.split(".")[:2])) >= OLDEST:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                yield f"{document['kind']} of Kubernetes {version}: {error.message}"


if __name__ == "__main__":
    wrong = list(faults())
    sys.stdout.write("\n".join(wrong or ["The chart renders, and is as Kubernetes wants it."]) + "\n")
    sys.exit(bool(wrong))
