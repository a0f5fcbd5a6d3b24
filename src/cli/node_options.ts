/** The options of `--role=server` and `--role=client`. */

import { type Endpoint, formatEndpoint } from "../endpoint.ts";
import { messageOf, shortened, UsageError } from "../errors.ts";
import { isLoopback } from "../http/serve.ts";
import { nodeNames, nodeNamesOf } from "../keys/identity.ts";
import type { Arguments } from "./arguments.ts";
import type { Flag } from "./command.ts";
import type { Io } from "./io.ts";
import type { NodeOptions, Opening } from "../node/run.ts";
import { parseChoice, parseEndpoint, parseName, parseOpening, parsePort } from "./values.ts";

/** The coordinator's name, where nobody says another. */
export const serverNameDefault = "coordinator";

export const roleFlags: readonly Flag[] = [
  { name: "role", value: "server|client", help: "coordinator or participant" },
  { name: "name", value: "NAME", help: "default: the only node certificate in the folder" },
  { name: "certs", value: "DIR", help: "certificates (default: certs)" },
  { name: "data", value: "DIR", help: "the node's log (default: data/NAME)" },
  { name: "log-key", value: "FILE", help: "encrypt the log with this key (see log-key)" },
  {
    name: "listen",
    value: "HOST:PORT",
    help: "for links (default: 127.0.0.1:7443, client: port 0)",
  },
  {
    name: "advertise",
    value: "HOST:PORT",
    help: "what peers are told (default: where it listens)",
  },
  { name: "http", value: "HOST:PORT", help: "HTTP API (default: 127.0.0.1:7080, client: port 0)" },
  { name: "https", help: "serve it by HTTPS, and ask for the token, on a loopback address too" },
  {
    name: "log-level",
    value: "error|warn|info|debug",
    help: "what it says on stderr (default: info; at a prompt: warn)",
  },
  { name: "no-input", help: "ask nothing, and take no payments at a prompt" },
  { name: "offline", help: "serve HTTP without links, to look at a node that peers refuse" },
  { name: "server", value: "HOST:PORT", help: "client: the coordinator" },
  { name: "server-name", value: "NAME", help: `client: its name (default: ${serverNameDefault})` },
  {
    name: "open",
    value: "ACCOUNT=AMOUNT:CURRENCY",
    repeats: true,
    help: "client: open an account with that balance if it does not exist",
  },
];

const loopback = "127.0.0.1";
const linkPort = 7443;
const httpPort = 7080;

/**
 * At a terminal asks for what is not given and has no default: the name where there are several
 * certificates, the address to listen on or to dial, and whom to expect there.
 */
export async function parseNodeOptions(args: Arguments, io: Io): Promise<NodeOptions> {
  const isServer = parseChoice(args.required("role"), ["server", "client"], "--role") === "server";
  if (isServer) refuseClientFlags(args);
  const input = io.isTerminal && !args.is("no-input");
  const given = readCommon(args, isServer, isAttended(args, io));
  const server = endpointIn(args, "server");
  if (server?.port === 0) throw new UsageError("--server: port 0 cannot be dialled; give its own");
  // Whoever looks at a node that was refused adds a flag to the command: those for links wait there.
  if (given.offline) {
    return { ...given, listen: given.listen ?? defaultListen(isServer), server: undefined };
  }
  if (!isServer && server === undefined && !input) {
    throw new UsageError("--role=client needs --server HOST:PORT, where the coordinator listens");
  }
  const name = given.name ?? (input ? await askName(io, given) : undefined);
  if (isServer) {
    const listen = given.listen ?? (input ? askEndpoint(io, "listen on", 0) : defaultListen(true));
    warnOfAddress(listen, undefined, args, io);
    return { ...given, name, listen, server: undefined };
  }
  const listen = given.listen ?? defaultListen(false);
  const coordinator = server ?? askEndpoint(io, "find the coordinator at", 1);
  warnOfAddress(listen, coordinator, args, io);
  return {
    ...given,
    name,
    listen,
    server: coordinator,
    serverName: server === undefined && args.text("server-name") === undefined
      ? await askServerName(io, given)
      : given.serverName,
  };
}

/** Whether a person takes payments at a prompt: a participant's at a terminal. */
export function isAttended(args: Arguments, io: Io): boolean {
  return args.text("role") === "client" && io.isTerminal && !args.is("no-input") &&
    !args.is("offline");
}

function readCommon(args: Arguments, isServer: boolean, isAttended: boolean) {
  const name = args.text("name");
  const advertise = endpointIn(args, "advertise");
  if (advertise?.port === 0) {
    throw new UsageError("--advertise: peers cannot dial port 0; give the port that they reach");
  }
  const level = args.text("log-level") ?? (isAttended ? "warn" : "info");
  return {
    role: isServer ? "coordinator" as const : "participant" as const,
    name: name === undefined ? undefined : parseName(name, "--name"),
    certs: args.text("certs") ?? "certs",
    data: args.text("data"),
    logKey: args.text("log-key"),
    listen: endpointIn(args, "listen"),
    advertise: advertise === undefined ? undefined : args.text("advertise"),
    http: endpointIn(args, "http") ?? { hostname: loopback, port: isServer ? httpPort : 0 },
    serverName: parseName(args.text("server-name") ?? serverNameDefault, "--server-name"),
    open: openingsIn(args),
    https: args.is("https"),
    offline: args.is("offline"),
    logLevel: parseChoice(level, ["error", "warn", "info", "debug"], "--log-level"),
  };
}

function refuseClientFlags(args: Arguments): void {
  for (const name of ["server", "server-name", "open"]) {
    if (args.all(name).length > 0) {
      throw new UsageError(`--${name} is for --role=client: leave it out with --role=server`);
    }
  }
}

/** Peers are told an address at which they can't reach this node. */
function warnOfAddress(
  listen: Endpoint,
  coordinator: Endpoint | undefined,
  args: Arguments,
  io: Io,
): void {
  const advertise = endpointIn(args, "advertise");
  const warn = (text: string) => io.err(`handfast: ${text}`);
  if (advertise === undefined && ["0.0.0.0", "::"].includes(listen.hostname)) {
    return warn(
      `peers cannot dial "${formatEndpoint(listen)}": ` +
        "add --advertise HOST:PORT with the address at which they reach this node",
    );
  }
  const told = advertise ?? listen;
  if (!isLoopback(told.hostname)) {
    if (!isLoopback(listen.hostname)) return;
    return warn(
      `peers are told "${formatEndpoint(told)}", but only this machine reaches ` +
        `"${formatEndpoint(listen)}", where this node listens: add --listen 0.0.0.0:${told.port}`,
    );
  }
  if (coordinator === undefined || isLoopback(coordinator.hostname)) return;
  warn(
    `other participants cannot ask this node at "${
      formatEndpoint(told)
    }" while the coordinator is ` +
      "away: add --listen 0.0.0.0:PORT --advertise HOST:PORT with the address at which they reach it",
  );
}

function endpointIn(args: Arguments, flag: string): Endpoint | undefined {
  const text = args.text(flag);
  return text === undefined ? undefined : parseEndpoint(text, `--${flag}`);
}

function openingsIn(args: Arguments): Opening[] {
  const openings = args.all("open").map((text) => parseOpening(text, "--open"));
  const accounts = openings.map(({ account }) => account);
  const twice = accounts.find((account, index) => accounts.indexOf(account) < index);
  if (twice === undefined) return openings;
  throw new UsageError(`--open names the account "${twice}" twice: an account has one currency`);
}

function defaultListen(isServer: boolean): Endpoint {
  return { hostname: loopback, port: isServer ? linkPort : 0 };
}

/** Nothing where the folder has none to choose from. */
async function askName(
  io: Io,
  { certs, role }: Pick<NodeOptions, "certs" | "role">,
): Promise<string | undefined> {
  const names = await nodeNamesOf(certs, role);
  const [first] = names;
  if (first === undefined || (await nodeNames(certs)).length < 2) return undefined;
  const question = `Name of this node, of ${names.join(", ")}`;
  return answered(io, question, first, (text) => parseChoice(text, names, "name"));
}

/** Where the folder has the default's certificate, the default is it. */
async function askServerName(
  io: Io,
  { certs, serverName }: Pick<NodeOptions, "certs" | "serverName">,
): Promise<string> {
  const names = await nodeNamesOf(certs, "coordinator");
  if (names.includes(serverName)) return serverName;
  const preset = names[0] ?? serverName;
  return answered(io, "Name of the coordinator", preset, (text) => parseName(text, "name"));
}

function askEndpoint(io: Io, purpose: string, portMin: number): Endpoint {
  const portIn = (text: string) => {
    const port = parsePort(text, `port "${shortened(text)}"`);
    if (port >= portMin) return port;
    throw new UsageError(`port 0 cannot be dialled: give the coordinator's own`);
  };
  const address = answered(io, `Address to ${purpose}`, loopback, (text) => {
    // As it is written everywhere else.
    if (!/^(\[.*\]|[^:]*):\d+$/.test(text)) return { hostname: text };
    const { hostname, port } = parseEndpoint(text, "address");
    return { hostname, port: portIn(String(port)) };
  });
  const { hostname, port = answered(io, `Port to ${purpose}`, String(linkPort), portIn) } = address;
  return { hostname, port };
}

/** Asks until the answer can be used; whoever ends the input is asked no more. */
function answered<T>(io: Io, question: string, preset: string, parse: (text: string) => T): T {
  for (;;) {
    const text = io.ask(question, preset);
    try {
      return parse(text);
    } catch (thrown) {
      io.err(`handfast: ${messageOf(thrown)}`);
    }
  }
}
