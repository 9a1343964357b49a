"""What is in configs/kubernetes, as kubectl renders it: by Kubernetes' schemas, and among themselves."""

import base64
import copy
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest

from proxy.config import load
from proxy.settings import Settings
from tests.binaries import ROOT
from tests.deploying.rendering import Object, containers, dangling, named, render

FOLDER = ROOT / "configs/kubernetes"
OVERLAYS = sorted(each.name for each in (FOLDER / "overlays").iterdir())
FOLDERS = ["base", "redis", *(f"overlays/{name}" for name in OVERLAYS)]
VERSIONS = ("1.30", "1.32", "1.36")
"""Of Kubernetes, by whose schemas it must be right."""

MADE_BY_OVERLAYS = {"redis-password", "baton-secrets"}


@pytest.fixture(scope="session")
def rendered(kubectl: Path) -> dict[str, list[Object]]:
    return {name: render(kubectl, FOLDER / name) for name in FOLDERS}


def own_toml(objects: list[Object]) -> str:
    return str(named(objects, "ConfigMap", "baton-config")["data"]["baton.toml"])


def settings_of(objects: list[Object], tmp_path: Path) -> Settings:
    """What Baton would make of the ConfigMap, with the Secrets where the volume puts them."""
    pod = named(objects, "Deployment")["spec"]["template"]["spec"]
    [mount] = [
        each
        for each in containers(named(objects, "Deployment"))[0]["volumeMounts"]
        if each["name"] == "secrets"
    ]
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    [volume] = [each for each in pod["volumes"] if each["name"] == "secrets"]
    for source in volume["projected"]["sources"]:
        data = named(objects, "Secret", source["secret"]["name"])["data"]
        for item in source["secret"]["items"]:
            (secrets / item["path"]).write_bytes(base64.b64decode(data[item["key"]]))
    file = tmp_path / "baton.toml"
    file.write_text(own_toml(objects).replace(f'"{mount["mountPath"]}/', f'"{secrets}/'))
    return load({"config": str(file)}, {})


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", FOLDERS)
def test_every_object_is_right_by_the_schemas_of_kubernetes(
    rendered: dict[str, list[Object]], folder: str, version: str
) -> None:
    assert rendered[folder]
    for each in rendered[folder]:
        if each["kind"] != "ServiceMonitor":  # the Prometheus operator's own
            kubernetes_validate.validate(dict(each), version, strict=True)


def test_a_word_that_kubernetes_does_not_know_is_found(rendered: dict[str, list[Object]]) -> None:
    broken = copy.deepcopy(dict(named(rendered["base"], "Deployment")))
    broken["spec"]["template"]["spec"]["terminationGracePeriod"] = 45
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[0], strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_reference_leads_somewhere(rendered: dict[str, list[Object]], overlay: str) -> None:
    assert dangling(rendered[f"overlays/{overlay}"]) == []


def test_the_base_lacks_only_what_overlays_make(rendered: dict[str, list[Object]]) -> None:
    missing = {line.split(": no Secret ")[-1] for line in dangling(rendered["base"]) if "no Secret" in line}
    assert missing == MADE_BY_OVERLAYS


Break = Callable[[list[Any]], None]


def _rename(kind: str, name: str) -> Break:
    def broken(objects: list[Any]) -> None:
        named(objects, kind, name)["metadata"]["name"] = "other"

    return broken


def _service(objects: list[Any]) -> Any:
    return named(objects, "Service", "baton-http")


def _pod(objects: list[Any]) -> Any:
    return named(objects, "Deployment")["spec"]["template"]["spec"]


BREAKS: dict[str, tuple[Break, str]] = {
    "config map": (_rename("ConfigMap", "baton-config"), "no ConfigMap baton-config"),
    "secret": (_rename("Secret", "redis-password"), "no Secret redis-password"),
    "account": (_rename("ServiceAccount", "baton"), "no ServiceAccount baton"),
    "key": (
        lambda objects: named(objects, "Secret", "baton-secrets")["data"].pop("http-token"),
        "has no key http-token",
    ),
    "target port": (
        lambda objects: _service(objects)["spec"]["ports"][0].update(targetPort="web"),
        "port web",
    ),
    "selector": (
        lambda objects: _service(objects)["spec"].update(selector={"app": "x"}),
        "its selector chooses no pods",
    ),
    "probe": (
        lambda objects: _pod(objects)["containers"][0]["readinessProbe"]["httpGet"].update(port="web"),
        "no container has the port web",
    ),
    "mount": (
        lambda objects: _pod(objects)["containers"][0]["volumeMounts"][0].update(name="other"),
        "no volume other",
    ),
    "budget": (
        lambda objects: named(objects, "PodDisruptionBudget", "baton")["spec"]["selector"].update(
            matchLabels={"app": "x"}
        ),
        "is to choose the pods of one workload",
    ),
    "policy": (
        lambda objects: named(objects, "NetworkPolicy", "baton")["spec"]["egress"][0]["to"][0][
            "podSelector"
        ].update(matchLabels={"app": "x"}),
        "no pods carry",
    ),
    "policy's port": (
        lambda objects: named(objects, "NetworkPolicy", "redis")["spec"]["ingress"][0]["ports"][0].update(
            port="x"
        ),
        "no container has the port x",
    ),
    "own selector": (
        lambda objects: named(objects, "Deployment")["spec"]["selector"].update(matchLabels={"app": "x"}),
        "does not choose its own pods",
    ),
    "headless service": (
        lambda objects: named(objects, "StatefulSet")["spec"].update(serviceName="other"),
        "no Service other",
    ),
    "monitor": (
        lambda objects: named(objects, "ServiceMonitor")["spec"]["selector"]["matchLabels"].pop(
            "app.kubernetes.io/component"
        ),
        "it is to choose one Service",
    ),
    "monitor's port": (
        lambda objects: named(objects, "ServiceMonitor")["spec"]["endpoints"][0].update(port="web"),
        "no port is called web",
    ),
    "namespace": (
        lambda objects: named(objects, "Service", "redis")["metadata"].update(namespace="other"),
        "several namespaces",
    ),
}


@pytest.mark.parametrize("what", BREAKS)
def test_a_broken_reference_is_found(rendered: dict[str, list[Object]], what: str) -> None:
    breaks, sentence = BREAKS[what]
    objects: list[Any] = copy.deepcopy(rendered["overlays/monitored"])
    breaks(objects)
    assert any(sentence in line for line in dangling(objects)), dangling(objects)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_settings_are_right_and_agree_with_the_ports(
    rendered: dict[str, list[Object]], overlay: str, tmp_path: Path
) -> None:
    objects = rendered[f"overlays/{overlay}"]
    settings = settings_of(objects, tmp_path)
    [container] = containers(named(objects, "Deployment"))
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert settings.listen is not None and settings.http is not None
    assert ports == {
        "clients": settings.listen.port,
        "admin": settings.admin.port,
        "http": settings.http.port,
    }
    assert settings.password and settings.admin_password and settings.http_token
    assert settings.log_format == "json"


@pytest.mark.parametrize("overlay", ["try", "monitored"])
def test_baton_is_told_of_exactly_the_pods_of_redis(
    rendered: dict[str, list[Object]], overlay: str, tmp_path: Path
) -> None:
    objects = rendered[f"overlays/{overlay}"]
    redis = named(objects, "StatefulSet")
    service, [container] = redis["spec"]["serviceName"], containers(redis)
    pods = [f"redis-{number}.{service}:6379" for number in range(redis["spec"]["replicas"])]
    said = {each["name"]: each.get("value") for each in container["env"]}
    assert [str(node) for node in settings_of(objects, tmp_path).nodes] == pods
    assert said["PEERS"].split() == pods and said["SELF"] == f"$(POD_NAME).{service}:6379"
    host, _, port = said["CONSOLE"].partition(":")
    assert int(port) in {each["port"] for each in named(objects, "Service", host)["spec"]["ports"]}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_container_gives_up_what_it_does_not_need(
    rendered: dict[str, list[Object]], overlay: str
) -> None:
    workloads = [
        each for each in rendered[f"overlays/{overlay}"] if each["kind"] in ("Deployment", "StatefulSet")
    ]
    assert workloads
    for workload in workloads:
        pod = workload["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in containers(workload):
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] and not context["allowPrivilegeEscalation"]
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["requests"] and container["resources"]["limits"]["memory"]
            assert {"startupProbe", "livenessProbe", "readinessProbe", "lifecycle"} <= container.keys()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_there_is_one_proxy_and_never_two(rendered: dict[str, list[Object]], overlay: str) -> None:
    deployment = named(rendered[f"overlays/{overlay}"], "Deployment")
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_grace_period_is_longer_than_what_must_fit_into_it(
    rendered: dict[str, list[Object]], overlay: str, tmp_path: Path
) -> None:
    objects = rendered[f"overlays/{overlay}"]
    settings = settings_of(objects, tmp_path)
    [container] = containers(named(objects, "Deployment"))
    sleep, seconds = container["lifecycle"]["preStop"]["exec"]["command"]
    grace = named(objects, "Deployment")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert sleep == "sleep"
    assert grace >= int(seconds) + settings.drain_ms / 1000 + settings.fence_ms / 1000


def test_the_grace_period_of_redis_is_longer_than_its_hook_and_its_shutdown() -> None:
    hook = (FOLDER / "redis/leave.sh").read_text()
    limit = int(hook.partition("LIMIT_SECONDS:=")[2].partition("}")[0])
    config = dict(
        line.split(None, 1) for line in (FOLDER / "redis/redis.conf").read_text().splitlines() if line
    )
    manifest = (FOLDER / "redis/statefulset.yaml").read_text()
    grace = int(manifest.partition("terminationGracePeriodSeconds: ")[2].split()[0])
    assert grace > limit + int(config["shutdown-timeout"])


def test_the_page_tells_the_times_that_the_manifests_have(rendered: dict[str, list[Object]]) -> None:
    page = (ROOT / "docs/kubernetes.md").read_text()
    deployment = named(rendered["base"], "Deployment")
    [container] = containers(deployment)
    grace = deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert f"| `terminationGracePeriodSeconds` | {grace}:" in page
    assert f"| preStop | {container['lifecycle']['preStop']['exec']['command'][1]} s," in page
    for script, name, told in (("leave", "LIMIT", "After {} s"), ("start", "ALONE", "when for {} s no")):
        text = (FOLDER / f"redis/{script}.sh").read_text()
        assert told.format(text.partition(f"{name}_SECONDS:=")[2].partition("}")[0]) in page


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_probes_are_those_that_http_has(rendered: dict[str, list[Object]], overlay: str) -> None:
    [container] = containers(named(rendered[f"overlays/{overlay}"], "Deployment"))
    paths = {name: container[name]["httpGet"]["path"] for name in container if name.endswith("Probe")}
    assert paths == {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_secret_says_that_it_must_be_replaced(rendered: dict[str, list[Object]], overlay: str) -> None:
    secrets = [each for each in rendered[f"overlays/{overlay}"] if each["kind"] == "Secret"]
    assert len(secrets) == len(MADE_BY_OVERLAYS)
    for secret in secrets:
        for value in secret["data"].values():
            assert base64.b64decode(value).startswith(b"replace-me-")


def test_the_base_and_the_overlay_for_your_own_redis_differ_in_the_nodes_alone(
    rendered: dict[str, list[Object]],
) -> None:
    base, own = (tomllib.loads(own_toml(rendered[name])) for name in ("base", "overlays/own-redis"))
    for tables in (base, own):
        del tables["nodes"]["addresses"]
        tables["nodes"].pop("announce", None)
    assert base == own


def test_the_service_monitor_is_what_the_operator_takes(rendered: dict[str, list[Object]]) -> None:
    monitor = named(rendered["overlays/monitored"], "ServiceMonitor")
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert monitor["spec"].keys() <= {"selector", "endpoints", "namespaceSelector", "jobLabel"}
    for endpoint in monitor["spec"]["endpoints"]:
        assert endpoint.keys() <= {"port", "path", "interval", "scrapeTimeout", "scheme"}
        assert endpoint["path"] == "/metrics"
