"""Lockgate on each of its targets: a canary with a gate, since that is how it is used."""

import json
import os
import subprocess

from rig import ends, free_port, run

REPLICAS = 4


class Lockgate:
    """`lockgate deploy`, which ends when the release is done or rolled back."""

    own_limit = "as its rollout says"

    def __init__(self, binary, folder, target, cluster=None, engine=None):
        self.binary, self.folder, self.target = binary, f"{folder}/lockgate-{target}", target
        self.cluster, self.engine, self.number = cluster, engine, 0
        self.name = f"Lockgate, {target}"
        os.makedirs(self.folder)
        self.port = free_port()

    def release(self, scenario):
        self.number += 1
        with open(f"{self.folder}/lockgate.yaml", "w", encoding="utf-8") as file:
            json.dump(self._spec(scenario), file, indent=2)
        version = scenario.env["SAMPLE_VERSION"]
        argv = [self.binary, "deploy", "bench", "--version", version]
        return ends(argv, cwd=self.folder, env=self._env())

    def back(self):
        """It goes back by itself."""

    def why(self):
        """What the last release came to."""
        asked = [self.binary, "status"]
        done = subprocess.run(asked, cwd=self.folder, env=self._env(), text=True, capture_output=True, check=False)
        return (done.stdout + done.stderr).strip()

    def entrance(self):
        if self.target == "kubernetes":
            return self.cluster.address("web"), 8080, None
        return "127.0.0.1", self.port, None

    def remove(self):
        if self.target != "kubernetes":
            run([self.binary, "node", "stop"], cwd=self.folder, env=self._env())

    def _env(self):
        env = self.cluster.env() if self.cluster else dict(os.environ)
        return {**env, **({"DOCKER_HOST": self.engine} if self.engine else {})}

    def _spec(self, scenario):
        # An image says itself which port its program listens on.
        port = self.port if self.target == "local" else 8080
        web = {"replicas": REPLICAS, "port": port, "health": {"path": "/health", "interval": "1s"},
               "env": scenario.env}
        spec = {"lockgate": "v1", "system": "bench", "services": {"web": web},
                "slo": {"error_rate": {"objective": "< 1%"}},
                "rollout": {"strategy": "canary", "bake": "3s",
                            "steps": [{"weight": "10%", "pause": "5s"}, {"weight": "50%", "pause": "5s"}, {"weight": "100%"}],
                            "analysis": {"tick": "500ms", "warmup": "1s", "min_time": "3s", "min_requests": 100}}}
        if self.target == "docker":
            web["ports"] = {"http": {"number": web.pop("port"), "publish": self.port}}
        if self.target == "local":
            web["command"] = [self.binary if scenario.exists else "/nowhere/sample", "sample"]
            where = "local"
        else:
            web.update(command=["sample"], image=scenario.image)
            # Without a router that counts, the pods say themselves what they answered.
            web["metrics"] = "/metrics"
            where = {"kubernetes": {"namespace": self.cluster.namespace}} if self.cluster else "docker"
        spec["environments"] = {"bench": {"target": where}}
        return spec
