"""Argo Rollouts: a canary by replicas, and an analysis of what Prometheus has of the service."""

import json
import os
import queue
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from peers import REPLICAS, container
from rig import LIMIT_S, free_port, run

MODULE, VERSION = "github.com/argoproj/argo-rollouts", "v1.10.1"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "lockgate-bench"
CRDS = ["analysis-run", "analysis-template", "cluster-analysis-template", "experiment", "rollout"]
# A scrape, and an analysis: faster than any guide shows, as our own gates are in this benchmark.
SCRAPE_S, ANALYSIS_S = 1, 2


def source():
    found = run(["go", "mod", "download", "-json", f"{MODULE}@{VERSION}"], cwd="/")
    return Path(json.loads(found)["Dir"])


def controller():
    """Built from the module proxy, once per machine."""
    program = CACHE / f"rollouts-controller-{VERSION}"
    if not program.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            run(["cp", "-r", "--no-preserve=mode", f"{source()}/.", folder])
            build = ["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", str(program), "./cmd/rollouts-controller"]
            run(build, cwd=folder, env={**os.environ, "CGO_ENABLED": "0"})
    return program


class Argo:
    """A Rollout, until its controller calls it healthy or degraded."""

    name = "Argo Rollouts"
    own_limit = "600 s, its deadline for progress"

    def __init__(self, cluster, folder, prometheus):
        self.cluster, self.file, self.good = cluster, f"{folder}/rollout.json", None
        crds = source() / "manifests/crds"
        for it in CRDS:
            cluster.admin("apply", "--server-side", "-f", str(crds / f"{it}-crd.yaml"))
        cluster.apply(*measured(cluster.namespace, prometheus))
        run(["kubectl", "wait", "--for=condition=Ready", "pod/prometheus", "--timeout=120s"], env=cluster.env())
        # The controller is outside of the cluster, without its names.
        cluster.apply(analysis(cluster.namespace, cluster.address("prometheus")))
        with open(f"{folder}/argo.log", "w", encoding="utf-8") as log:
            # By the benchmark's account, so that what it asks of the API server is counted.
            argv = [str(controller()), "--kubeconfig", cluster.config, "--namespace", cluster.namespace,
                    "--namespaced", "--leader-elect=false",
                    "--metricsPort", str(free_port()), "--healthzPort", str(free_port())]
            self.process = subprocess.Popen(argv, stdout=log, stderr=log)

    def release(self, scenario):
        self.good = self.good or scenario
        begun = time.monotonic()
        with open(self.file, "w", encoding="utf-8") as file:
            json.dump({"apiVersion": "v1", "kind": "List", "items": objects(scenario)}, file)
        run(["kubectl", "apply", "-f", self.file], env=self.cluster.env())
        watch = ["kubectl", "get", "rollout", "web", "--watch", "-o", STATUS]
        with subprocess.Popen(watch, stdout=subprocess.PIPE, text=True, env=self.cluster.env()) as process:
            seen = queue.Queue()
            threading.Thread(target=lambda: [seen.put(it) for it in process.stdout], daemon=True).start()
            code = verdict(seen, begun + LIMIT_S)
            process.kill()
        return code, time.monotonic() - begun

    def back(self):
        self.release(self.good)

    def entrance(self):
        return self.cluster.address("web"), 80, None

    def remove(self):
        run(["kubectl", "delete", "rollout,analysistemplate,service,pod,configmap", "-l", "bench=argo", "--wait"],
            env=self.cluster.env())
        self.process.terminate()
        self.process.wait()


def verdict(seen, until):
    """What the controller says of the newest version: 0, 1, or None when it says nothing."""
    while (left := until - time.monotonic()) > 0:
        try:
            generation, observed, phase = seen.get(timeout=left).split()
        except (queue.Empty, ValueError):
            continue
        # Until then it speaks of the version before.
        if generation == observed and phase in PHASES:
            return PHASES[phase]
    return None


PHASES = {"Healthy": 0, "Degraded": 1}
STATUS = 'jsonpath={.metadata.generation} {.status.observedGeneration} {.status.phase}{"\\n"}'


def objects(scenario):
    labels = {"app": "web", "bench": "argo"}
    version = scenario.env["SAMPLE_VERSION"]
    canary = {"steps": [{"setWeight": 10}, {"pause": {"duration": "5s"}}, {"setWeight": 50}, {"pause": {"duration": "5s"}}],
              "analysis": {"templates": [{"templateName": "errors"}], "args": [{"name": "version", "value": version}]}}
    rollout = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web", "labels": labels},
               "spec": {"replicas": REPLICAS, "selector": {"matchLabels": labels}, "strategy": {"canary": canary},
                        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container(scenario)]}}}}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "labels": labels},
               "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}}
    return [rollout, service]


def measured(namespace, prometheus):
    """Prometheus, which finds the pods by their names."""
    named = {"namespace": namespace, "labels": {"bench": "argo"}}
    config = {"global": {"scrape_interval": f"{SCRAPE_S}s"}, "scrape_configs": [{
        "job_name": "web",
        "dns_sd_configs": [{"names": [f"pods.{namespace}.svc.cluster.local"], "type": "A", "port": 8080, "refresh_interval": "1s"}]}]}
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "prometheus", **named},
         "data": {"prometheus.yml": json.dumps(config)}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "prometheus", "namespace": namespace,
                                                         "labels": {"bench": "argo", "app": "prometheus"}},
         "spec": {"containers": [{"name": "prometheus", "image": prometheus,
                                  "readinessProbe": {"httpGet": {"path": "/-/ready", "port": 9090}, "periodSeconds": 1},
                                  "volumeMounts": [{"name": "config", "mountPath": "/etc/prometheus"}]}],
                  "volumes": [{"name": "config", "configMap": {"name": "prometheus"}}]}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "prometheus", **named},
         "spec": {"selector": {"app": "prometheus"}, "ports": [{"port": 9090}]}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "pods", **named},
         "spec": {"clusterIP": "None", "selector": {"app": "web"}, "ports": [{"port": 8080}]}},
    ]


def analysis(namespace, address):
    of = 'http_requests_total{version="{{args.version}}"%s}[10s]'
    query = f"""sum(rate({of % ',status=~"5.."'})) / sum(rate({of % ""}))"""
    errors = {"name": "errors", "interval": f"{ANALYSIS_S}s", "failureLimit": 0,
              "successCondition": "len(result) == 0 || isNaN(result[0]) || result[0] < 0.01",
              "provider": {"prometheus": {"address": f"http://{address}:9090", "query": query}}}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate",
            "metadata": {"name": "errors", "namespace": namespace, "labels": {"bench": "argo"}},
            "spec": {"args": [{"name": "version"}], "metrics": [errors]}}
