"""What the rows share: commands with a limit, the cluster and how many requests its API server got."""

import json
import os
import re
import socket
import subprocess
import time

# A peer that says nothing for this long is given up on; what its own limit would be is said beside.
LIMIT_S = 45
# Requests of these accounts are counted apart from all others by the API server.
ACCOUNT = "bench"


def run(argv, **how):
    """The output of a command that succeeds."""
    return subprocess.run(argv, check=True, text=True, stdout=subprocess.PIPE, **how).stdout


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def ends(argv, **how):
    """(exit code or None, seconds) of a command that may fail, or not end within the limit."""
    begun = time.monotonic()
    try:
        done = subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=LIMIT_S, **how)
        code = done.returncode
    except subprocess.TimeoutExpired:
        code = None
    return code, time.monotonic() - begun


class Cluster:
    """A namespace and an account of its own in the cluster of the tests, removed at the end."""

    def __init__(self, folder):
        self.folder, self.namespace = folder, f"bench-{os.getpid()}"
        self.config = f"{folder}/kubeconfig"

    def __enter__(self):
        self.admin("create", "namespace", self.namespace)
        subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": self.namespace}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        named = {"metadata": {"name": self.namespace}}
        rules = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}]
        account = {"kind": "ServiceAccount", "serviceAccount": {"name": ACCOUNT, "namespace": self.namespace}}
        self.apply(
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": self.namespace}},
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", **named,
             "roleRef": role, "subjects": [subject]},
            {"apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "FlowSchema", **named,
             "spec": {"priorityLevelConfiguration": {"name": "global-default"}, "matchingPrecedence": 50,
                      "rules": [{"subjects": [account], "resourceRules": rules,
                                 "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}]}]}},
        )
        token = self.admin("-n", self.namespace, "create", "token", ACCOUNT, "--duration=4h").strip()
        config = json.loads(self.admin("config", "view", "--raw", "--minify", "-o", "json"))
        config["users"] = [{"name": ACCOUNT, "user": {"token": token}}]
        config["contexts"][0]["context"].update(user=ACCOUNT, namespace=self.namespace)
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump(config, file)
        return self

    def __exit__(self, *_):
        self.admin("delete", "namespace", self.namespace, "--wait=false")
        self.admin("delete", "clusterrolebinding,flowschema", self.namespace)

    def admin(self, *args, **how):
        return run(["kubectl", *args], **how)

    def apply(self, *objects):
        for it in objects:
            self.admin("apply", "-f", "-", input=json.dumps(it))

    def env(self):
        return {**os.environ, "KUBECONFIG": self.config}

    def address(self, service):
        return self.admin("-n", self.namespace, "get", "service", service, "-o", "jsonpath={.spec.clusterIP}")

    def requests(self):
        """How many requests of the account the API server has carried out."""
        metrics = self.admin("get", "--raw", "/metrics")
        wanted = rf'apiserver_flowcontrol_dispatched_requests_total{{[^}}]*flow_schema="{self.namespace}"[^}}]*}} (\S+)'
        return int(sum(float(it) for it in re.findall(wanted, metrics)))
