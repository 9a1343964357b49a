"""Redis pods without Kubernetes: the ConfigMap's own scripts, run by sh as the manifests have them run."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import redis

from tests.baton import BatonProcess
from tests.binaries import ROOT, find_main, version_of
from tests.servers import direct_client, free_port
from tests.waiting import wait_until

SCRIPTS = ROOT / "configs/kubernetes/redis"
PASSWORD = 'red"is \\secret$(date)'  # what a shell or a config file would take for something else
ADMIN_PASSWORD = "console secret `date`"
STOP_SECONDS = 15


@attrs.define(eq=False)
class Pod:
    """One of the StatefulSet: its volume, and its redis-server while that runs."""

    place: "Place"
    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What `kubectl logs` would show."""
        return (self.folder / "log").read_text(errors="replace")

    @property
    def kept(self) -> Path:
        return self.folder / "data/redis.conf"

    def keep(self, primary: "Pod") -> None:
        """Have its volume say that it followed this one."""
        self.kept.write_text(f"replicaof {primary.name.replace(':', ' ')}\n")

    def environment(self, **more: str) -> dict[str, str]:
        return {
            "PATH": f"{self.place.folder / 'bin'}:{os.environ['PATH']}",
            "SELF": self.name,
            "PEERS": " ".join(pod.name for pod in self.place.pods),
            "CONSOLE": f"127.0.0.1:{self.place.console_port}",
            "DATA": str(self.folder / "data"),
            "CONF": str(self.folder / "given.conf"),
            "SECRETS": str(self.place.folder / "secrets"),
            "LOG": str(self.folder / "log"),
            "ALONE_SECONDS": "1",
        } | more

    def start(self, **more: str) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["sh", SCRIPTS / "start.sh"], env=self.environment(**more), stdout=log, stderr=log
            )

    def run(self, script: str, **more: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["sh", SCRIPTS / script],
            env=self.environment(**more),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def leave(self, limit_seconds: int = 20) -> int:
        """The exit status of the preStop hook."""
        return self.run("leave.sh", LIMIT_SECONDS=str(limit_seconds)).wait(60)

    def ready(self) -> bool:
        return self.run("ready.sh").wait(20) == 0

    def wait_ready(self) -> None:
        wait_until(self.ready, lambda: f"{self.name} is ready; its log:\n{self.log}", 30)

    def client(self) -> redis.Redis:
        return direct_client(self.port, password=PASSWORD)

    def command(self, *words: Any) -> Any:
        with self.client() as client:
            return client.execute_command(*words)

    def role(self) -> str:
        return str(self.command("ROLE")[0])

    def follows(self) -> str:
        role = self.command("ROLE")
        return f"{role[1]}:{role[2]}" if role[0] == "slave" else ""

    def stop(self) -> None:
        """SIGTERM to what start.sh has become."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(STOP_SECONDS)
        self.process = None

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@attrs.define(eq=False)
class Place:
    """The namespace: pods, Secrets, and Baton's console under its name."""

    folder: Path
    console_port: int
    pods: list[Pod] = attrs.field(factory=list)
    baton: BatonProcess | None = None

    def primary(self) -> Pod:
        [pod] = [pod for pod in self.pods if pod.process is not None and pod.role() == "master"]
        return pod

    def replicas(self) -> list[Pod]:
        return [pod for pod in self.pods if pod.process is not None and pod.role() == "slave"]

    def start(self, pods: Sequence[Pod] | None = None) -> None:
        for pod in pods or self.pods:
            pod.start()
        for pod in pods or self.pods:
            pod.wait_ready()

    def start_baton(self) -> BatonProcess:
        environment = {"BATON_NODES_PASSWORD": PASSWORD, "BATON_ADMIN_PASSWORD": ADMIN_PASSWORD}
        self.baton = BatonProcess.start(
            [pod.name for pod in self.pods],
            self.folder / "baton.log",
            "--admin",
            f"127.0.0.1:{self.console_port}",
            environment=environment,
        )
        wait_until(lambda: self.info()["primary"], "Baton knows the primary")
        return self.baton

    def console(self, *words: str) -> Any:
        with direct_client(self.console_port, password=ADMIN_PASSWORD, protocol=2) as client:
            return client.execute_command(*words)

    def info(self, section: str = "route") -> dict[str, str]:
        with direct_client(self.console_port, password=ADMIN_PASSWORD, protocol=2) as client:
            said = client.execute_command("INFO", section)
        if isinstance(said, dict):
            return {str(name): str(value) for name, value in said.items()}
        return dict(line.split(":", 1) for line in str(said).splitlines() if ":" in line)


@contextmanager
def place_of(folder: Path, count: int = 3) -> Iterator[Place]:
    """Pods with empty volumes, none of them started; all is ended with the block."""
    place = Place(folder, free_port())
    (folder / "secrets").mkdir()
    (folder / "secrets/password").write_text(PASSWORD)
    (folder / "secrets/admin-password").write_text(ADMIN_PASSWORD)
    (folder / "bin").mkdir()
    binary = next(iter(find_main().values()))
    (folder / "bin/redis-server").symlink_to(binary)
    given = (SCRIPTS / "redis.conf").read_text()
    if version_of(binary) == "6.2":
        given = "\n".join(line for line in given.splitlines() if not line.startswith("shutdown-"))
    for number in range(count):
        pod = Pod(place, free_port(), folder / f"redis-{number}")
        (pod.folder / "data").mkdir(parents=True)
        own = f"\nport {pod.port}\nbind 127.0.0.1\nrepl-diskless-sync no\nrepl-backlog-size 1mb\n"
        (pod.folder / "given.conf").write_text(given + own)
        (pod.folder / "log").touch()
        place.pods.append(pod)
    try:
        yield place
    finally:
        for pod in place.pods:
            pod.kill()
        if place.baton is not None:
            place.baton.end()


NO_REDIS_CLI = shutil.which("redis-cli") is None
