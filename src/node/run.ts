/** Runs one node from its options to its exit code. */

import { bareHost, type Endpoint, formatEndpoint } from "../endpoint.ts";
import { UsageError } from "../errors.ts";
import type { AnyNodeApi } from "../http/node_api.ts";
import type { HttpServer } from "../http/serve.ts";
import { serveHttp } from "../http/serve.ts";
import { hostsOf, parseCertificate } from "../keys/certificate.ts";
import { CardKey, readCardKey, writeCardKey } from "../keys/card_key.ts";
import type { Identity } from "../keys/identity.ts";
import { loadIdentity } from "../keys/identity.ts";
import { readLogKey } from "../keys/log_key.ts";
import { lingerMsMax } from "../limits.ts";
import { Links } from "../link/links.ts";
import { Log } from "../log/log.ts";
import type { LogKey } from "../log/log_file.ts";
import { openLogFile } from "../log/log_file.ts";
import type { Storage } from "../log/storage.ts";
import { isWipingDue } from "../log/wiping.ts";
import type { Role } from "../names.ts";
import type { CardKeeping } from "./cards.ts";
import { CoordinatorNode } from "./coordinator_node.ts";
import { DataFolder } from "./data_folder.ts";
import { freeBytesIn } from "./free_space.ts";
import { haltPoint } from "./halt.ts";
import { IdentitySealing } from "./identity_sealing.ts";
import { IdentityTrust } from "./identity_trust.ts";
import { ParticipantNode } from "./participant_node.ts";
import { printer, tolerant } from "./printer.ts";
import type { Print } from "./printer.ts";
import type { LogLevel, ShellOptions } from "./shell_options.ts";
import { RevocationWatch, takeOverKept } from "./revocation_watch.ts";
import { machine } from "./surroundings.ts";

export interface NodeOptions {
  readonly role: Role;
  /** Default: the only node certificate in `certs`. */
  readonly name?: string;
  readonly certs: string;
  /** Default: `data/NAME`. */
  readonly data?: string;
  /** The file of the key that encrypts its log. Without one a log is in the clear. */
  readonly logKey?: string;
  readonly listen: Endpoint;
  /** `HOST:PORT` told to peers. Default: where it listens. */
  readonly advertise?: string;
  readonly http: Endpoint;
  /** Where a participant finds its coordinator. */
  readonly server?: Endpoint;
  /** The name in the coordinator's certificate. */
  readonly serverName: string;
  readonly open: readonly Opening[];
  readonly logLevel: LogLevel;
  /** HTTPS on a loopback address, too: others on this machine may listen. */
  readonly https?: boolean;
  /** Serves HTTP without links: to look at a node that its network refuses. */
  readonly offline?: boolean;
  /** Records between two checkpoints; no flag, for tests that want them often. */
  readonly checkpointRecords?: number;
}

/** An account that is to exist, opened with this balance if it does not. */
export interface Opening {
  readonly account: string;
  /** Minor units. */
  readonly amount: bigint;
  readonly currency: string;
}

/** A node that runs, with what it serves. */
export interface RunningNode {
  readonly node: CoordinatorNode | ParticipantNode;
  readonly listen: string;
  readonly url: string;
  readonly token: string;
  /** Drains and stops it. */
  stop(): Promise<void>;
}

/** A person at the node's terminal, through whom all its lines go then. */
export interface Attendant {
  /** A line for stdout. */
  out(line: string): void;
  /** A line for stderr. */
  err(line: string): void;
  /** Resolves when the person wants the node to stop. */
  attend(node: ParticipantNode): Promise<void>;
  /** Gives the terminal back; lines go out all the same. */
  leave(): void;
}

/**
 * Runs a node until SIGINT, SIGTERM or SIGHUP, until its attendant ends it, or until it fails.
 *
 * @returns 0 if it was told to stop
 * @throws {Error} why it can't start, or can't go on, also where it was told to stop besides
 */
export async function runNode(options: NodeOptions, attendant?: Attendant): Promise<number> {
  const out = tolerant(attendant ? (line) => attendant.out(line) : console.log);
  const err = tolerant(attendant ? (line) => attendant.err(line) : console.error);
  const print = printer(options.logLevel, err);
  const signal = stopSignal();
  const running = await startNode(options, print);
  const { node, listen, url } = running;
  const role = options.role === "coordinator" ? "server" : "client";
  const ready = () => out(`ready name=${node.name} role=${role} listen=${listen} http=${url}`);
  if (node instanceof ParticipantNode && !options.offline) node.linked.then(ready);
  else ready();
  try {
    const left = node.role === "participant" ? attendant?.attend(node) : undefined;
    await Promise.race([signal, node.failed, left ?? signal]).finally(() => attendant?.leave());
    print("info", "stopping: no new payments, those under way may finish");
  } finally {
    await running.stop();
  }
  // It may have been refused for good before it was told to stop, or have failed since.
  await Promise.race([node.failed, Promise.resolve()]);
  return 0;
}

/** Starts a node: it has replayed its log, serves HTTP and takes links when this resolves. */
export async function startNode(options: NodeOptions, print: Print): Promise<RunningNode> {
  const { certs, name, offline } = options;
  const identity = await loadIdentity({ certs, name, mayHaveEnded: offline });
  checkRole(identity, options);
  const logKey = options.logKey === undefined ? undefined : await readLogKey(options.logKey);
  const halt = haltPoint();
  const folder = await DataFolder.open(options.data ?? `data/${identity.name}`);
  const closing: (() => void | Promise<void>)[] = [() => folder.close()];
  const close = async () => {
    for (const step of closing.reverse()) await step();
  };
  try {
    if (!offline) await takeOverKept(folder.path, identity);
    const storage = await openOwnLog(folder.logPath, logKey, print);
    closing.push(() => storage.close());
    const log = await Log.open(storage);
    const { listen, advertise, serverName, checkpointRecords } = options;
    const shell: ShellOptions = {
      identity,
      surroundings: {
        ...machine,
        trust: new IdentityTrust(identity),
        sealing: new IdentitySealing(identity),
        freeBytes: () => freeBytesIn(folder.path),
        links: (host) => new Links({ identity, host }),
      },
      log,
      listen,
      advertise,
      print,
      halt,
      checkpointRecords,
    };
    const node = options.role === "coordinator" ? new CoordinatorNode(shell) : new ParticipantNode({
      ...shell,
      coordinator: serverName,
      cards: await keepingIn(folder.cardKeyPath),
    });
    await node.start();
    closing.pop();
    closing.push(() => node.stop());
    const token = await folder.token();
    if (node instanceof ParticipantNode) await openAccounts(node, options.open, print);
    const tokens = { token, readToken: await folder.readToken() };
    const http = serve(node, options, identity, tokens, print);
    closing.push(() => http.shutdown());
    const dropRevoked = () => node.dropRevoked();
    const watch = new RevocationWatch({
      certs,
      data: folder.path,
      identity,
      time: machine.time,
      print,
      dropRevoked,
    });
    closing.push(() => watch.stop());
    // Offline nobody is told where: the ready line says none.
    const address = options.offline ? "none" : node.listen();
    await folder.announce(http.url, http.url.startsWith("https:") ? identity.caPem : undefined);
    if (options.offline) return { node, listen: address, url: http.url, token, stop: close };
    if (node instanceof ParticipantNode && options.server) {
      node.dial(formatEndpoint(options.server));
    }
    closing.push(() => node.drain());
    return { node, listen: address, url: http.url, token, stop: close };
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
}

/** What was erased is cleared from the file first, where the last stop left that to be done. */
async function openOwnLog(
  path: string,
  logKey: LogKey | undefined,
  print: Print,
): Promise<Storage> {
  const isDue = await isWipingDue(path);
  if (isDue) print("info", `clearing the free space of "${path}" of what was erased`);
  const storage = await openLogFile(path, logKey);
  if (isDue && await isWipingDue(path)) {
    const remedy =
      "it is tried again when the node stops or starts, and needs room for a second copy";
    print("warn", `the free space of "${path}" may still hold what was erased: ${remedy}`);
  }
  return storage;
}

/** A card key is made, but not kept before the first card: most participants issue none. */
async function keepingIn(path: string): Promise<CardKeeping> {
  const kept = await readCardKey(path);
  const key = kept ?? CardKey.make();
  const wasKept = kept !== undefined;
  let keeping = wasKept ? Promise.resolve() : undefined;
  const keep = () =>
    keeping ??= writeCardKey(path, key).catch((thrown) => {
      keeping = undefined;
      throw thrown;
    });
  return { key, wasKept, keep };
}

function checkRole(identity: Identity, { role }: NodeOptions): void {
  if (identity.role === role) return;
  const flag = identity.role === "coordinator" ? "server" : "client";
  throw new UsageError(
    `The certificate of "${identity.name}" is for a ${identity.role}: run it with --role=${flag}, ` +
      "or name another with --name",
  );
}

async function openAccounts(
  node: ParticipantNode,
  openings: readonly Opening[],
  print: Print,
): Promise<void> {
  for (const { account, amount, currency } of openings) {
    const result = await node.openAccount({ account, currency, opening: amount });
    if (result === "differs") {
      throw new UsageError(`The account "${account}" exists in another currency than ${currency}`);
    }
    if (result === "opened") continue;
    print("info", `account "${account}" exists already: --open has not changed its balance`);
  }
}

function serve(
  node: AnyNodeApi,
  { http, https }: NodeOptions,
  identity: Identity,
  tokens: { readonly token: string; readonly readToken: string },
  print: Print,
): HttpServer {
  const { certPem: cert, keyPem: key } = identity;
  const names = hostsOf(parseCertificate(cert));
  const onError = (line: string) => print("error", line);
  // The node has been drained when the server shuts down, so all that is left are answers to write.
  const graceMs = lingerMsMax;
  const loopback = https ? false : undefined;
  const tls = { cert, key };
  const server = serveHttp(node, { ...http, ...tokens, tls, names, loopback, graceMs, onError });
  const { protocol, hostname } = new URL(server.url);
  const host = bareHost(hostname);
  if (protocol === "https:" && !names.includes(host)) {
    const remedy = `make it with --hosts ${host}`;
    print("warn", `clients will refuse ${server.url}: its certificate does not name it; ${remedy}`);
  }
  return server;
}

/**
 * Resolves at the first SIGINT, SIGTERM or SIGHUP, as a terminal that is closed sends it. Those that follow
 * are of the same key press.
 */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      Deno.addSignalListener(signal, () => resolve());
    }
  });
}
