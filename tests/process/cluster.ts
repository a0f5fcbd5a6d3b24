/** A network whose nodes are processes of their own, with real links and real disks. */

import { assertEquals } from "@std/assert";
import { initCertificates } from "../../src/keys/init.ts";

/** The compiled executable under test; without one, the source is. */
export const executable = Deno.env.get("HANDFAST_EXECUTABLE");

const config = new URL("../../deno.json", import.meta.url).pathname;
const main = new URL("../../main.ts", import.meta.url).pathname;
const [program, ...firstArgs] = executable
  ? [executable]
  : [Deno.execPath(), "run", "-A", "--no-check", "--config", config, main];
const pollMs = 20;
/** Nobody listens there, and nobody who asks for any port is given it. */
const nowhere = "127.0.0.1:1";

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What the tests read of a node's answers. */
export interface Body {
  readonly id?: string;
  readonly state?: string;
  readonly code?: string;
  readonly detail?: string;
  readonly field?: string;
  readonly payment?: string;
  readonly transaction?: string;
  readonly accounts?: readonly Account[];
  readonly clock?: Readonly<Record<string, number>>;
  readonly at?: string;
  readonly alarms?: readonly string[];
  readonly open?: number;
  readonly inDoubt?: number;
}

/** The outcome of a line of a batch. */
export interface LineAnswer extends Body {
  readonly line: number;
  readonly status: number;
}

/** What waits for a decision, as a node lists it. */
export interface InDoubt {
  readonly transaction: string;
  readonly payment: string;
  /** Seconds. */
  readonly age: number;
  readonly participants: readonly string[];
  readonly unreachable: readonly string[];
  readonly held: readonly {
    readonly account: string;
    readonly amount: string;
    readonly currency: string;
  }[];
}

export interface Account {
  readonly account: string;
  readonly currency: string;
  readonly posted: string;
  readonly pendingDebits: string;
  readonly pendingCredits: string;
  readonly available: string;
}

export interface Answer {
  readonly status: number;
  readonly body: Body;
  readonly headers: Headers;
}

/** Polls until `probe` finds something, which it returns. Machines that test may be slow, and busy. */
export async function until<T>(
  what: string,
  probe: () => T,
  timeoutMs = 30_000,
): Promise<Exclude<Awaited<T>, undefined | false>> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) {
      return found as Exclude<Awaited<T>, undefined | false>;
    }
    if (performance.now() > deadlineMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

export interface NodeChoices {
  /** `before:TYPE` or `after:TYPE`: where its loop halts for ever. */
  readonly halt?: string;
  /** Default: its own. */
  readonly data?: string;
  /** Folder of another source than this one's. */
  readonly source?: string;
  /** Beside those that every node gets. */
  readonly flags?: readonly string[];
  /** Where it takes links. Default: the coordinator where it did before, participants anywhere. */
  readonly listen?: string;
  readonly http?: string;
  /** Where a participant looks for the coordinator. Default: where that listens. */
  readonly server?: string;
}

/** One process, from its start to its end. */
export class Node {
  /** Resolves when it has ended and all it said was read; killed, it is 128 and the signal. */
  readonly exit: Promise<number>;
  stdout = "";
  stderr = "";
  #ended: number | undefined;
  readonly #child: Deno.ChildProcess;

  constructor(readonly name: string, readonly data: string, child: Deno.ChildProcess) {
    this.#child = child;
    const collected = [
      collect(child.stdout, (text) => this.stdout += text),
      collect(child.stderr, (text) => this.stderr += text),
    ];
    this.exit = child.status.then(async ({ code }) => {
      await Promise.all(collected);
      return this.#ended = code;
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** Resolves with the ready line once it is there. */
  ready(): Promise<string> {
    return this.#said("its ready line", () => /^ready .*$/m.exec(this.stdout)?.[0]);
  }

  /** Waits for words on stderr. */
  async said(words: string, timeoutMs?: number): Promise<void> {
    await this.#said(`"${words}"`, () => this.stderr.includes(words), timeoutMs);
  }

  #said<T>(what: string, probe: () => T, timeoutMs?: number) {
    return until(`${what} of ${this.name}`, () => {
      const found = probe();
      if (found || this.#ended === undefined) return found;
      throw new Error(`${this.name} ended with ${this.#ended} before ${what}: ${this.stderr}`);
    }, timeoutMs);
  }

  /** Where it takes links, by its ready line. */
  async address(): Promise<string> {
    return /listen=(\S+)/.exec(await this.ready())![1]!;
  }

  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** As a loss of power: nothing of it runs any more. */
  async kill(): Promise<void> {
    if (!this.hasEnded) this.signal("SIGKILL");
    await this.exit;
  }

  /** Tells it to stop; resolves with its exit code. */
  async terminate(): Promise<number> {
    if (!this.hasEnded) this.signal("SIGTERM");
    return await this.ended();
  }

  /** Resolves with its exit code once it has ended by itself. */
  async ended(): Promise<number> {
    await until(`${this.name} ends`, () => this.hasEnded);
    return await this.exit;
  }

  get(path: string): Promise<Answer> {
    return this.#send("GET", path);
  }

  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer> {
    return this.#send("POST", path, JSON.stringify(body), headers);
  }

  /** Posts JSON lines. */
  async postLines(path: string, lines: readonly string[]): Promise<readonly LineAnswer[]> {
    const headers = { "Content-Type": "application/x-ndjson" };
    const { text } = await this.#fetch("POST", path, lines.join("\n"), headers);
    return text.trimEnd().split("\n").map((line) => JSON.parse(line) as LineAnswer);
  }

  async #send(
    method: string,
    path: string,
    body?: string,
    headers?: Record<string, string>,
  ): Promise<Answer> {
    const { status, text, headers: answered } = await this.#fetch(method, path, body, headers);
    return { status, body: JSON.parse(text) as Body, headers: answered };
  }

  async #fetch(
    method: string,
    path: string,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; text: string; headers: Headers }> {
    const { url } = JSON.parse(await Deno.readTextFile(`${this.data}/api.json`)) as { url: string };
    const token = (await Deno.readTextFile(`${this.data}/token`)).trim();
    const response = await fetch(url + path, {
      method,
      body,
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json", ...headers },
      signal: AbortSignal.timeout(30_000),
    });
    return { status: response.status, text: await response.text(), headers: response.headers };
  }

  /** A user's account, its amounts as numbers of minor units. */
  async account(name = "main") {
    const { body } = await this.get(`/v1/accounts/${name}`);
    const { posted, pendingDebits, pendingCredits } = body as unknown as Account;
    const pending = Number(pendingDebits) + Number(pendingCredits);
    return { posted: Number(posted), pending };
  }

  async inDoubt(): Promise<readonly InDoubt[]> {
    const { body } = await this.get("/v1/in-doubt");
    return (body as unknown as { inDoubt: readonly InDoubt[] }).inDoubt;
  }
}

/** The coordinator, and participants with what each is to `--open`. */
export class Cluster {
  readonly folder: string;
  readonly certs: string;
  readonly #openings: Readonly<Record<string, readonly string[]>>;
  readonly #nodes = new Map<string, Node>();
  readonly #spawned: Node[] = [];
  /** Where the coordinator listens, once it has: it comes back there. */
  #port = 0;

  private constructor(folder: string, openings: Readonly<Record<string, readonly string[]>>) {
    this.folder = folder;
    this.certs = `${folder}/certs`;
    this.#openings = openings;
  }

  /** Makes folder and certificates, and starts every node unless told not to. */
  static async make(
    openings: Readonly<Record<string, readonly string[]>>,
    isStarted = true,
  ): Promise<Cluster> {
    const folder = await Deno.makeTempDir({ prefix: "handfast-process-" });
    const cluster = new Cluster(folder, openings);
    const hosts = ["127.0.0.1"];
    await initCertificates({ dir: cluster.certs, nodes: cluster.names, hosts });
    if (isStarted) await cluster.startAll();
    return cluster;
  }

  /** Of all nodes, the coordinator first. */
  get names(): string[] {
    return ["coordinator", ...this.participants];
  }

  get participants(): string[] {
    return Object.keys(this.#openings);
  }

  data(name: string): string {
    return `${this.folder}/data/${name}`;
  }

  node(name: string): Node {
    const node = this.#nodes.get(name);
    if (!node) throw new Error(`${name} was never started`);
    return node;
  }

  async startAll(): Promise<void> {
    await this.start("coordinator");
    await Promise.all(this.participants.map((name) => this.start(name)));
  }

  /** Starts a node and waits until it is ready. */
  async start(name: string, choices?: NodeChoices): Promise<Node> {
    const node = await this.spawn(name, choices);
    const address = await node.address();
    if (name === "coordinator") this.#port = Number(address.split(":")[1]);
    return node;
  }

  async spawn(name: string, choices: NodeChoices = {}): Promise<Node> {
    const { halt, data = this.data(name), flags: more = [], source } = choices;
    const { server = `127.0.0.1:${this.#port}`, http = "127.0.0.1:0" } = choices;
    // One killed has left it behind, and no request is to go there.
    await Deno.remove(`${data}/api.json`).catch(() => {});
    const opens = this.#openings[name] ?? [];
    const [role, anywhere] = name === "coordinator"
      ? [["--role=server"], `127.0.0.1:${this.#port}`]
      : [["--role=client", "--server", server], "127.0.0.1:0"];
    const { listen = anywhere } = choices;
    const flags = ["--name", name, "--certs", this.certs, "--data", data, "--listen", listen];
    const opening = opens.flatMap((open) => ["--open", open]);
    const args = [...role, ...flags, "--http", http, "--no-input", ...opening, ...more];
    const node = this.spawnWith(name, data, args, { halt, source });
    this.#nodes.set(name, node);
    return node;
  }

  /** Starts a process by its arguments alone, and what it is to read from stdin. */
  spawnWith(
    name: string,
    data: string,
    args: readonly string[],
    { halt = "", source, input, shell, env = {} }: {
      halt?: string;
      source?: string;
      input?: string;
      /** What a shell does, with the program and its arguments as `"$@"`. */
      shell?: string;
      env?: Readonly<Record<string, string>>;
    } = {},
  ): Node {
    const first = source
      ? ["run", "-A", "--no-check", "--config", `${source}/deno.json`, `${source}/main.ts`]
      : firstArgs;
    const words = [program!, ...first, ...args];
    const [word, ...rest] = shell === undefined ? words : ["sh", "-c", shell, "sh", ...words];
    const command = new Deno.Command(word!, {
      args: rest,
      cwd: this.folder,
      env: { HANDFAST_TEST_HALT: halt, NO_COLOR: "1", ...env },
      stdin: input === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    });
    const child = command.spawn();
    if (input !== undefined) void give(child, input);
    const node = new Node(name, data, child);
    this.#spawned.push(node);
    return node;
  }

  /** Starts a participant that can't reach the coordinator; waits until it serves its users. */
  async startAlone(name: string, choices?: NodeChoices): Promise<Node> {
    const node = await this.spawn(name, { server: nowhere, ...choices });
    await until(`${name} serves its users`, async () => {
      return (await node.get("/healthz").catch(() => undefined))?.status === 200;
    });
    return node;
  }

  /** All that any process of this network has said, on stdout and stderr. */
  get said(): string {
    return this.#spawned.map(({ stdout, stderr }) => stdout + stderr).join("\n");
  }

  /** Waits until participants are linked to the coordinator. */
  async linked(...names: string[]): Promise<void> {
    await Promise.all(names.map((name) =>
      until(`${name} is linked`, async () => {
        const answer = await this.node(name).get("/readyz").catch(() => undefined);
        return answer?.status === 200;
      })
    ));
  }

  /** Waits until nothing is held on the account `main` of any participant. */
  async unheld(): Promise<void> {
    await until("no hold is left", async () => {
      const accounts = this.participants.map((name) => this.node(name).account());
      return (await Promise.all(accounts)).every(({ pending }) => pending === 0);
    });
  }

  /** Runs a command to its end. */
  run(...args: string[]): Promise<Result> {
    return this.runReading(undefined, ...args);
  }

  /** Runs a command to its end that is given something on stdin. */
  async runReading(input: string | undefined, ...args: string[]): Promise<Result> {
    const command = this.spawnWith(args[0] ?? "", "", args, { input });
    const code = await command.exit;
    const { stdout, stderr } = command;
    return { code, stdout, stderr };
  }

  /** Pays from `main` of one participant to `main` of another by the command. */
  pay(from: string, to: string, amount: string, ...flags: string[]): Promise<Result> {
    return this.run("pay", "--data", this.data(from), "--to", to, "--amount", amount, ...flags);
  }

  /** Stops every node cleanly, participants first, and checks their logs offline. */
  async stopAndVerify(names = this.names): Promise<void> {
    for (const name of names.toReversed()) assertEquals(await this.node(name).terminate(), 0, name);
    const verified = await this.run("verify", ...names.flatMap((n) => ["--data", this.data(n)]));
    assertEquals(verified.code, 0, verified.stdout + verified.stderr);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.#spawned) await node.kill();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Two legs in USD from `main` of one participant to `main` of another. */
export function transfer(from: string, to: string, amount: number, id?: string) {
  return {
    id,
    legs: [
      { account: `main@${from}`, amount: String(-amount), currency: "USD" },
      { account: `main@${to}`, amount: String(amount), currency: "USD" },
    ],
  };
}

async function give({ stdin }: Deno.ChildProcess, input: string): Promise<void> {
  const writer = stdin.getWriter();
  // It may not want to read.
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
}

async function collect(stream: ReadableStream<Uint8Array>, add: (text: string) => void) {
  const decoder = new TextDecoder();
  for await (const bytes of stream) add(decoder.decode(bytes, { stream: true }));
}
