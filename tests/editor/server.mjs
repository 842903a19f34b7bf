// The language server that editors run for YAML, spoken to over its standard input and output.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(import.meta.resolve("yaml-language-server/bin/yaml-language-server"));
export const SCHEMA = new URL("../../schema/lockgate.schema.json", import.meta.url).href;

const SETTINGS = {
  schemas: { [SCHEMA]: "**/lockgate.yaml" },
  schemaStore: { enable: false },
  validate: true,
  hover: true,
  completion: true,
};

const CAPABILITIES = {
  workspace: { configuration: true },
  textDocument: {
    completion: { completionItem: { snippetSupport: true, documentationFormat: ["markdown"] } },
    hover: { contentFormat: ["markdown"] },
  },
};

export class Server {
  #process = spawn(process.execPath, [PROGRAM, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
  #received = Buffer.alloc(0);
  #requests = 0;
  /** What waits for the answer to a request, by its id. */
  #answers = new Map();
  /** What waits for the diagnostics of a document, by its address. */
  #diagnostics = new Map();

  static async start() {
    const server = new Server();
    server.#process.stdout.on("data", (data) => server.#read(data));
    await server.#request("initialize", { processId: process.pid, rootUri: null, capabilities: CAPABILITIES });
    server.#send({ method: "initialized", params: {} });
    server.#send({ method: "workspace/didChangeConfiguration", params: { settings: { yaml: SETTINGS } } });
    return server;
  }

  async stop() {
    const ended = new Promise((done) => this.#process.once("exit", done));
    await this.#request("shutdown", null);
    this.#send({ method: "exit" });
    await ended;
  }

  /** Opens a document; the messages of its diagnostics, with the lines that they are on. */
  async open(uri, text) {
    const published = new Promise((done) => this.#diagnostics.set(uri, done));
    const textDocument = { uri, languageId: "yaml", version: 1, text };
    this.#send({ method: "textDocument/didOpen", params: { textDocument } });
    const diagnostics = await published;
    return diagnostics.map((it) => `${it.range.start.line + 1}: ${it.message}`);
  }

  /** What is offered at a place, by its label. */
  async complete(uri, position) {
    const answer = await this.#request("textDocument/completion", { textDocument: { uri }, position });
    const items = answer.items ?? answer;
    return new Map(items.map((it) => [it.label, it.documentation?.value ?? it.documentation ?? ""]));
  }

  async hover(uri, position) {
    const answer = await this.#request("textDocument/hover", { textDocument: { uri }, position });
    return answer?.contents?.value ?? "";
  }

  #request(method, params) {
    const id = ++this.#requests;
    const answer = new Promise((done, failed) => this.#answers.set(id, { done, failed }));
    this.#send({ id, method, params });
    return answer;
  }

  #send(message) {
    const text = JSON.stringify({ jsonrpc: "2.0", ...message });
    this.#process.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  }

  #read(data) {
    this.#received = Buffer.concat([this.#received, data]);
    for (;;) {
      const head = this.#received.indexOf("\r\n\r\n");
      if (head < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.#received.toString("ascii", 0, head))[1]);
      const end = head + 4 + length;
      if (this.#received.length < end) return;
      const message = JSON.parse(this.#received.toString("utf8", head + 4, end));
      this.#received = this.#received.subarray(end);
      this.#take(message);
    }
  }

  #take(message) {
    if (message.method === undefined) {
      const answer = this.#answers.get(message.id);
      this.#answers.delete(message.id);
      if (message.error) answer.failed(new Error(message.error.message));
      else answer.done(message.result);
    } else if (message.method === "workspace/configuration") {
      const result = message.params.items.map((it) => (it.section === "yaml" ? SETTINGS : null));
      this.#send({ id: message.id, result });
    } else if (message.method === "textDocument/publishDiagnostics") {
      this.#diagnostics.get(message.params.uri)?.(message.params.diagnostics);
    } else if (message.id !== undefined) {
      this.#send({ id: message.id, result: null });
    }
  }
}
