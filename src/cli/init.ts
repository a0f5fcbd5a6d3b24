import { shortened, UsageError } from "../errors.ts";
import { nodeNamesOf } from "../keys/identity.ts";
import { initAuthority, initCertificates } from "../keys/init.ts";
import type { InitResult } from "../keys/init.ts";
import type { Arguments } from "./arguments.ts";
import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { exitCode } from "./exit_code.ts";
import { serverNameDefault } from "./node_options.ts";
import { keptKeys, keptText, ownKeyNotes } from "./own_key_notes.ts";
import type { Io } from "./io.ts";
import { parseName, parseNames } from "./values.ts";

export const init: Command = {
  name: "init",
  summary: "make a network's CA and certificates, all on one machine",
  usage: ["init --certs DIR --nodes coordinator,alice,bob", "init --certs DIR --ca-only"],
  flags: [
    { name: "certs", value: "DIR", help: "folder to write to" },
    { name: "nodes", value: "NAMES", help: "nodes, separated by commas" },
    { name: "coordinator", value: "NAME", help: "which is the coordinator (default: the first)" },
    { name: "hosts", value: "HOSTS", help: "names and addresses for HTTPS, separated by commas" },
    { name: "ca-only", help: "make the CA alone, for nodes that make their own keys (see csr)" },
    { name: "force", help: "replace certificates of the same names; the CA stays" },
    jsonFlag,
  ],
  notes: ownKeyNotes,
  run: async (args, io) => {
    const dir = args.required("certs");
    if (args.is("ca-only")) return await initCa(dir, args, io);
    const nodes = parseNames(args.required("nodes"), "--nodes");
    const made = await initCertificates({
      dir,
      nodes,
      coordinator: await coordinatorOf(args.text("coordinator"), nodes, dir),
      hosts: hostsIn(args.text("hosts")),
      force: args.is("force"),
    });
    const kept = args.is("force") ? keptKeys(dir, nodes, made.written) : [];
    if (args.is("json")) {
      io.out(JSON.stringify({ certs: dir, ...made, kept }));
      return exitCode.done;
    }
    io.out(made.authorityMade ? `made a CA in ${dir}` : `used the CA in ${dir}`);
    for (const { name, role } of made.nodes) io.out(`made ${name} (${role})`);
    if (kept.length > 0) io.out(keptText(kept));
    const [first, second] = made.nodes;
    if (made.authorityMade && first !== undefined && second === undefined) {
      io.out(`${first.name} is the coordinator of a new network; now name its participants:`);
      io.out(`  handfast init --certs ${dir} --nodes NAMES`);
    }
    io.out("to run them, each in a terminal of its own:");
    const coordinator = await coordinatorNow(dir, made);
    for (const node of made.nodes) io.out(`  ${startCommand(dir, node, coordinator)}`);
    return exitCode.done;
  },
};

async function initCa(dir: string, args: Arguments, io: Io): Promise<number> {
  for (const flag of ["nodes", "coordinator", "hosts"]) {
    if (args.text(flag) === undefined) continue;
    throw new UsageError(`--${flag} is for nodes, which --ca-only makes none of: leave out either`);
  }
  if (args.is("force")) {
    throw new UsageError("--force replaces no CA, as its network would end: leave it out");
  }
  const written = await initAuthority(dir);
  if (args.is("json")) {
    io.out(JSON.stringify({ certs: dir, authorityMade: true, nodes: [], written }));
    return exitCode.done;
  }
  io.out(`made a CA in ${dir}: keep ca.key to yourself, as whoever has it admits nodes`);
  io.out("next, for each node: its owner runs");
  io.out("  handfast csr --name NAME --role client|server");
  io.out("and sends you NAME.csr, which you sign by");
  io.out(`  handfast sign NAME.csr --certs ${dir}`);
  return exitCode.done;
}

/** Nothing where it has been made before: those that are made now are participants then. */
async function coordinatorOf(
  text: string | undefined,
  nodes: readonly string[],
  dir: string,
): Promise<string | undefined> {
  if (text === undefined) return undefined;
  const name = parseName(text, "--coordinator");
  if (nodes.includes(name)) return name;
  if ((await nodeNamesOf(dir, "coordinator")).includes(name)) return undefined;
  throw new UsageError(`--coordinator "${name}" is none of --nodes ${nodes.join(",")}: add it`);
}

/** Of `--hosts`: this machine unless it is given. */
export function hostsIn(text = "localhost,127.0.0.1"): string[] {
  const hosts = text.split(",").map((host) => host.trim());
  if (!hosts.includes("")) return hosts;
  throw new UsageError(
    `--hosts "${shortened(text)}" has an empty name: separate them by single commas`,
  );
}

/** Whom participants dial: of those made, else of those made before; nothing where that is not clear. */
async function coordinatorNow(dir: string, made: InitResult): Promise<string | undefined> {
  const own = made.nodes.find(({ role }) => role === "coordinator");
  if (own !== undefined) return own.name;
  const [only, ...others] = await nodeNamesOf(dir, "coordinator");
  return others.length === 0 ? only : undefined;
}

function startCommand(
  dir: string,
  { name, role }: InitResult["nodes"][number],
  coordinator: string | undefined,
): string {
  const common = `--certs ${dir} --name ${name}`;
  if (role === "coordinator") return `handfast --role=server ${common}`;
  const isDefault = coordinator === undefined || coordinator === serverNameDefault;
  const server = `--server 127.0.0.1:7443${isDefault ? "" : ` --server-name ${coordinator}`}`;
  return `handfast --role=client ${common} ${server} --open main=1000.00:USD`;
}
