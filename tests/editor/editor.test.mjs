// What people see in an editor: the real language server with the published schema.

import assert from "node:assert/strict";
import { readFileSync, readdirSync, existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";

import { SCHEMA, Server } from "./server.mjs";

const ROOT = new URL("../../", import.meta.url);

let server;
let opened = 0;

before(async () => {
  server = await Server.start();
});
after(() => server.stop());

/** Opens a text as a spec of its own. `|` marks the place that is asked about. */
async function open(text, name = "lockgate.yaml") {
  const uri = `file:///specs/${++opened}/${name}`;
  const before = text.slice(0, Math.max(text.indexOf("|"), 0)).split("\n");
  const position = { line: before.length - 1, character: before.at(-1).length };
  return { uri, position, messages: await server.open(uri, text.replace("|", "")) };
}

const HEAD = "lockgate: v1\nsystem: shop\n";
const TAIL = "environments:\n  local: {target: local}\n";

test("the specs of the project have no mistakes", async () => {
  const folder = new URL("examples/", ROOT);
  const specs = readdirSync(folder).map((it) => new URL(`${it}/lockgate.yaml`, folder)).filter(existsSync);
  const texts = specs.map((it) => readFileSync(it, "utf8"));
  const page = readFileSync(new URL("docs/reference/spec.md", ROOT), "utf8");
  texts.push(...page.split("```yaml\n").slice(1).map((it) => it.split("```")[0]));
  assert.ok(5 < texts.length);
  for (const text of texts) {
    assert.deepEqual((await open(text)).messages, [], text);
  }
});

const MISTAKES = [
  ["a misspelt key", "services:\n  web: {port: 80, comand: [./web]}\n", "4: Property comand is not allowed."],
  ["a misspelt key of a map that has a short form", "services:\n  web: {port: 80, health: {pth: /up}}\n", "4: Property pth is not allowed."],
  ["a duration without a unit", 'services:\n  web: {port: 80, health: {interval: "5"}}\n', "4: a duration such as `30s` is wanted"],
  ["a word that is no choice", "rollout: {strategy: canray}\nservices: {web: {port: 80}}\n", '3: Value is not accepted. Valid values: "rolling", "canary", "blue-green", "recreate".'],
  ["two alternatives at once", "services:\n  web: {port: 80, image: a/b, build: node}\n", "4: keep one of `image` or `build`"],
  ["a step without its weight", "rollout: {steps: [{pause: 5m}]}\nservices: {web: {port: 80}}\n", '3: Missing property "weight".'],
  ["a metric that nobody measures", 'slo: {happiness: {objective: "< 5%"}}\nservices: {web: {port: 80}}\n', "3: a metric such as `error_rate` or `postgres.up`"],
];

for (const [what, text, message] of MISTAKES) {
  test(`${what} is marked`, async () => {
    assert.deepEqual((await open(HEAD + text + TAIL)).messages, [message]);
  });
}

test("an environment without a target, and a spec without a name, are marked", async () => {
  const { messages } = await open("lockgate: v1\nservices: {web: {port: 80}}\nenvironments: {local: {}}\n");
  assert.deepEqual(messages.sort(), ['1: Missing property "system".', '3: Missing property "target".']);
});

test("a file that is included says a part", async () => {
  const { messages } = await open("services:\n  web: {port: 80, command: [./web]}\n");
  assert.deepEqual(messages, []);
});

test("the keys of a service are offered with what they mean", async () => {
  const { uri, position } = await open(`${HEAD}services:\n  web:\n    port: 80\n    |\n${TAIL}`);
  const offered = await server.complete(uri, position);
  assert.ok(offered.has("depends_on") && !offered.has("port"), [...offered.keys()].join(" "));
  assert.match(offered.get("replicas"), /^Number of instances\.[^]*Default: `1`/);
});

test("the words of a choice are offered", async () => {
  for (const [text, words] of [
    ["rollout:\n  strategy: |\n", ["canary", "rolling"]],
    ["build: |\n", ["rust", "node"]],
    ["slo:\n  |\n", ["error_rate", "latency_p95"]],
    ["environments:\n  dev:\n    target: |\n", ["local", "kubernetes"]],
  ]) {
    const { uri, position } = await open(HEAD + text);
    const offered = [...(await server.complete(uri, position)).keys()];
    assert.deepEqual(words.filter((it) => !offered.includes(it)), [], `${text}${offered}`);
  }
});

test("what a key means is shown", async () => {
  const { uri, position } = await open(`${HEAD}services:\n  web: {port: 80, health: {inter|val: 5s}}\n${TAIL}`);
  const shown = await server.hover(uri, position);
  assert.match(shown, /interval of a health check/);
  assert.match(shown, /Default: `2s`/);
});

test("the first line of a file may name the schema", async () => {
  const text = `# yaml-language-server: $schema=${fileURLToPath(SCHEMA)}\n${HEAD}servces: {}\n`;
  const { messages } = await open(text, "shop.yaml");
  assert.ok(messages.includes("4: Property servces is not allowed."), messages.join("\n"));
});
