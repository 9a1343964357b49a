"""Objects as `kubectl kustomize` renders them, and what is wrong with how they refer to each other.

`dangling` answers with sentences, so that it can be seen to find what is broken on purpose.
"""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

Object = Mapping[str, Any]

WORKLOADS = {"Deployment", "StatefulSet"}


def render(kubectl: Path, folder: Path) -> list[Object]:
    """All objects of an overlay. What kubectl complains of, a warning too, is an AssertionError."""
    done = subprocess.run(
        [kubectl, "kustomize", str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def named(objects: Sequence[Object], kind: str, name: str = "") -> Object:
    """The one of this kind whose name begins so; kustomize puts a hash behind generated names."""
    [found] = [each for each in objects if each["kind"] == kind and each["metadata"]["name"].startswith(name)]
    return found


def containers(workload: Object) -> list[dict[str, Any]]:
    spec = workload["spec"]["template"]["spec"]
    return [*spec["containers"], *spec.get("initContainers", [])]


def dangling(objects: Sequence[Object]) -> list[str]:
    """Every reference that leads nowhere: names, keys, ports, labels, mounts."""
    found = []
    for each in objects:
        found += [f"{each['kind']} {each['metadata']['name']}: {text}" for text in _wrong(each, objects)]
    spaces = {each["metadata"].get("namespace") for each in objects if each["kind"] != "Namespace"}
    if len(spaces) > 1:
        found.append(f"they are in several namespaces: {spaces}")
    return found


def _wrong(each: Object, objects: Sequence[Object]) -> Iterator[str]:
    match each["kind"]:
        case "Deployment" | "StatefulSet":
            yield from _wrong_in_workload(each, objects)
        case "Service":
            pods = _chosen(each["spec"]["selector"], objects)
            if not pods:
                yield "its selector chooses no pods"
            for port in each["spec"]["ports"]:
                yield from _unknown_port(port["targetPort"], pods)
        case "PodDisruptionBudget":
            if len(_chosen(each["spec"]["selector"]["matchLabels"], objects)) != 1:
                yield "its selector is to choose the pods of one workload"
        case "NetworkPolicy":
            yield from _wrong_in_policy(each["spec"], objects)
        case "ServiceMonitor":
            services = [
                one
                for one in objects
                if one["kind"] == "Service" and _has(one["metadata"], each["spec"]["selector"]["matchLabels"])
            ]
            if len(services) != 1:
                yield f"it is to choose one Service, not {[one['metadata']['name'] for one in services]}"
            for endpoint in each["spec"]["endpoints"]:
                if not any(p["name"] == endpoint["port"] for s in services for p in s["spec"]["ports"]):
                    yield f"no port is called {endpoint['port']}"


def _wrong_in_workload(each: Object, objects: Sequence[Object]) -> Iterator[str]:
    spec = each["spec"]["template"]["spec"]
    if not _has(each["spec"]["template"]["metadata"], each["spec"]["selector"]["matchLabels"]):
        yield "its selector does not choose its own pods"
    if (name := spec.get("serviceAccountName")) and not _find(objects, "ServiceAccount", name):
        yield f"no ServiceAccount {name}"
    if (name := each["spec"].get("serviceName")) and not _find(objects, "Service", name):
        yield f"no Service {name}"
    volumes = {claim["metadata"]["name"] for claim in each["spec"].get("volumeClaimTemplates", [])}
    for volume in spec.get("volumes", []):
        volumes.add(volume["name"])
        for kind, source in _sources(volume):
            held = _find(objects, kind, source.get("name") or source.get("secretName"))
            if held is None:
                yield f"no {kind} {source.get('name')}"
                continue
            for item in source.get("items", []):
                if item["key"] not in {**held.get("data", {}), **held.get("stringData", {})}:
                    yield f"{kind} {source['name']} has no key {item['key']}"
    for container in containers(each):
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield f"no volume {mount['name']}"
        probes = [container[name] for name in container if name.endswith("Probe")]
        for probe in probes:
            for way in ("httpGet", "tcpSocket"):
                if way in probe:
                    yield from _unknown_port(probe[way]["port"], [each])


def _sources(volume: Object) -> Iterator[tuple[str, Object]]:
    if "configMap" in volume:
        yield "ConfigMap", volume["configMap"]
    if "secret" in volume:
        yield "Secret", {**volume["secret"], "name": volume["secret"]["secretName"]}
    for source in volume.get("projected", {}).get("sources", []):
        if "secret" in source:
            yield "Secret", source["secret"]
        if "configMap" in source:
            yield "ConfigMap", source["configMap"]


def _wrong_in_policy(spec: Object, objects: Sequence[Object]) -> Iterator[str]:
    own = _chosen(spec["podSelector"]["matchLabels"], objects)
    if not own:
        yield "its selector chooses no pods"
    for rule in spec.get("ingress", []):
        for port in rule["ports"]:
            yield from _unknown_port(port["port"], own)
    for rule in spec.get("egress", []):
        for peer in rule.get("to", []):
            if "podSelector" in peer:
                pods = _chosen(peer["podSelector"]["matchLabels"], objects)
                if not pods:
                    yield f"no pods carry {peer['podSelector']['matchLabels']}"
                for port in rule["ports"]:
                    yield from _unknown_port(port["port"], pods)


def _unknown_port(port: str | int, workloads: Sequence[Object]) -> Iterator[str]:
    known: set[str | int] = set()
    for workload in workloads:
        for container in containers(workload):
            for each in container.get("ports", []):
                known |= {each["name"], each["containerPort"]}
    if port not in known:
        yield f"no container has the port {port}"


def _chosen(labels: Mapping[str, str], objects: Sequence[Object]) -> list[Object]:
    return [
        each
        for each in objects
        if each["kind"] in WORKLOADS and _has(each["spec"]["template"]["metadata"], labels)
    ]


def _has(metadata: Object, labels: Mapping[str, str]) -> bool:
    return bool(labels) and metadata.get("labels", {}).items() >= labels.items()


def _find(objects: Sequence[Object], kind: str, name: str | None) -> Object | None:
    found = [each for each in objects if each["kind"] == kind and each["metadata"]["name"] == name]
    return found[0] if found else None
