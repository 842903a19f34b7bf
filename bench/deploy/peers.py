"""Peers, each with what its own guide shows: four replicas, a readiness probe, its defaults for all else."""

import json
import os
import subprocess

from rig import ends, free_port, run

REPLICAS = 4


def container(scenario):
    """The container of one scenario, as a manifest has it."""
    env = [{"name": "PORT", "value": "8080"}] + [{"name": k, "value": v} for k, v in scenario.env.items()]
    return {"name": "web", "image": scenario.image, "args": ["sample"], "env": env, "ports": [{"containerPort": 8080}],
            "readinessProbe": {"httpGet": {"path": "/health", "port": 8080}, "periodSeconds": 1}}


def objects(scenario, pre_stop=False):
    web = container(scenario)
    if pre_stop:
        web["lifecycle"] = {"preStop": {"sleep": {"seconds": 5}}}
    labels = {"app": "web"}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {
        "replicas": REPLICAS, "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [web]}}}}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {
        "selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}}
    return [deployment, service]


class Kubectl:
    """`kubectl apply`, then `kubectl rollout status`."""

    def __init__(self, cluster, folder, pre_stop):
        self.cluster, self.file, self.pre_stop = cluster, f"{folder}/objects.json", pre_stop
        self.name = "kubectl rollout" + (", preStop 5 s" if pre_stop else "")
        self.own_limit = "600 s, its deadline for progress"

    def release(self, scenario):
        with open(self.file, "w", encoding="utf-8") as file:
            json.dump({"apiVersion": "v1", "kind": "List", "items": objects(scenario, self.pre_stop)}, file)
        script = f"kubectl apply -f {self.file} && kubectl rollout status deployment/web"
        return ends(["sh", "-c", script], env=self.cluster.env())

    def back(self):
        run(["kubectl", "rollout", "undo", "deployment/web"], env=self.cluster.env())
        run(["kubectl", "rollout", "status", "deployment/web"], env=self.cluster.env())

    def entrance(self):
        return self.cluster.address("web"), 80, None

    def remove(self):
        run(["kubectl", "delete", "deployment,service", "web", "--wait"], env=self.cluster.env())


def empty_chart(folder, name):
    """One whose objects are its values."""
    os.makedirs(f"{folder}/templates")
    with open(f"{folder}/Chart.yaml", "w", encoding="utf-8") as file:
        file.write(f"apiVersion: v2\nname: {name}\nversion: 0.1.0\n")
    with open(f"{folder}/templates/all.yaml", "w", encoding="utf-8") as file:
        file.write("{{ range .Values.objects }}---\n{{ toYaml . }}\n{{ end }}")


class Helm:
    """`helm upgrade --install --wait`."""

    name = "helm upgrade --wait"
    own_limit = "300 s, its time-out"

    def __init__(self, cluster, folder):
        self.cluster, self.chart = cluster, f"{folder}/chart"
        empty_chart(self.chart, "web")

    def release(self, scenario):
        with open(f"{self.chart}/values.yaml", "w", encoding="utf-8") as file:
            json.dump({"objects": objects(scenario)}, file)
        return ends(["helm4", "upgrade", "--install", "web", self.chart, "--wait"], env=self.cluster.env())

    def back(self):
        # One that was cut off is still pending, and refuses another until it is rolled back.
        run(["helm4", "rollback", "web", "--wait"], env=self.cluster.env(), stderr=subprocess.DEVNULL)

    def entrance(self):
        return self.cluster.address("web"), 80, None

    def remove(self):
        run(["helm4", "uninstall", "web", "--wait"], env=self.cluster.env())


class Compose:
    """`docker-compose up -d`: one container, recreated."""

    name = "docker-compose up -d"
    own_limit = "no limit"

    def __init__(self, folder, engine):
        self.file, self.engine, self.good = f"{folder}/compose.json", engine, None
        self.port = free_port()

    def release(self, scenario):
        self.good = self.good or scenario
        env = {"PORT": "8080", **scenario.env}
        web = {"image": scenario.image, "command": ["sample"], "environment": env, "ports": [f"{self.port}:8080"]}
        with open(self.file, "w", encoding="utf-8") as file:
            json.dump({"version": "3", "services": {"web": web}}, file)
        return ends(self._compose("up", "-d"), env=self._env())

    def back(self):
        self.release(self.good)

    def entrance(self):
        return "127.0.0.1", self.port, None

    def remove(self):
        run(self._compose("down"), env=self._env(), stderr=subprocess.DEVNULL)

    def _compose(self, *args):
        return ["/usr/bin/docker-compose", "-p", "bench", "-f", self.file, *args]

    def _env(self):
        return {**os.environ, "DOCKER_HOST": self.engine}
