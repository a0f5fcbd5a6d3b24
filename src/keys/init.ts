/** A network made on one machine: its CA and the nodes' certificates, as files in one folder. */

import { UsageError } from "../errors.ts";
import { nodeValidityDays } from "../limits.ts";
import type { Role } from "../names.ts";
import { encodeSigner, makeNode, makeSigner, type Signer } from "./authority.ts";
import { roleOf } from "./certificate.ts";
import { exists, findSigner, readCertificate, writeSecret } from "./folder.ts";
import { nodeNames } from "./identity.ts";
import { noteIssued, whileIssuing } from "./issued.ts";
import { checkHosts, checkHostsAgainst, checkName } from "./names.ts";
import { makeOwnKeys } from "./own_keys.ts";

export interface InitOptions {
  /** Folder to write to; made if it does not exist. */
  readonly dir: string;
  /** Names of the nodes to make certificates for. */
  readonly nodes: readonly string[];
  /** Which of them is the coordinator. Default: the first, unless a network exists there already. */
  readonly coordinator?: string;
  /** DNS names and addresses at which the nodes serve HTTPS. */
  readonly hosts?: readonly string[];
  /** Replaces certificates of the same names and their keys; the CA and all other keys stay. */
  readonly force?: boolean;
  /** Time of signing, in milliseconds since 1970. Default: now. */
  readonly nowMs?: number;
  /** Default: {@linkcode nodeValidityDays}. */
  readonly validityDays?: number;
}

export interface InitResult {
  /** Whether the CA is new. */
  readonly authorityMade: boolean;
  readonly nodes: readonly { readonly name: string; readonly role: Role }[];
  /** Paths written for people to use, in order. */
  readonly written: readonly string[];
}

/**
 * Makes `ca.pem`, `ca.key` and for each node `NAME.pem` and `NAME.key` (ECDSA P-256), and its signing and
 * sealing keys where they are missing; keys are PKCS#8 with mode 0600. Run again with new names it uses
 * the CA that is there.
 *
 * Throws {@linkcode UsageError} for a bad name or host, and for a file that exists without `force`;
 * nothing has been written then.
 */
export async function initCertificates(options: InitOptions): Promise<InitResult> {
  const { dir, nodes, hosts = [], force = false, nowMs = Date.now() } = options;
  checkNames(nodes, hosts, options.coordinator);
  const existing = await nodeNames(dir);
  await checkHostsAgainst(dir, existing, nodes, hosts);
  if (!force) await refuseToOverwrite(dir, nodes);

  const found = await findSigner(dir);
  const signer = found ?? await makeSigner(nowMs);
  const coordinator = options.coordinator ?? (found === undefined ? nodes[0] : undefined);
  const roles = await Promise.all(nodes.map(async (name) => ({
    name,
    role: name === coordinator ? "coordinator" as const : await roleBefore(dir, name, coordinator),
  })));

  await Deno.mkdir(dir, { recursive: true });
  const written: string[] = [];
  if (found === undefined) written.push(...await writePair(dir, "ca", signer));
  for (const { name, role } of roles) {
    const validityDays = options.validityDays ?? nodeValidityDays;
    const made = await makeNode({ signer, name, role, hosts, nowMs, validityDays });
    await whileIssuing(dir, () => noteIssued(dir, made.certificate.toString("pem")));
    const ownKeys = await makeOwnKeys(dir, name);
    written.push(...await writePair(dir, name, made), ...ownKeys);
  }
  return { authorityMade: found === undefined, nodes: roles, written };
}

/**
 * Makes `ca.pem` and `ca.key` alone, for a network whose nodes make their own keys.
 *
 * Throws {@linkcode UsageError} if there is a CA: another in its place would end its network.
 */
export async function initAuthority(dir: string, nowMs = Date.now()): Promise<readonly string[]> {
  for (const path of [`${dir}/ca.pem`, `${dir}/ca.key`]) {
    if (!await exists(path)) continue;
    throw new UsageError(
      `Cannot make a CA in ${dir}: there is ${path} already. Sign requests with it, or name an ` +
        "empty folder for another network",
    );
  }
  await Deno.mkdir(dir, { recursive: true });
  return await writePair(dir, "ca", await makeSigner(nowMs));
}

/** A certificate that is replaced keeps its role, unless a coordinator is named. */
async function roleBefore(
  dir: string,
  name: string,
  coordinator: string | undefined,
): Promise<Role> {
  if (coordinator !== undefined) return "participant";
  const before = await readCertificate(`${dir}/${name}.pem`);
  return before === undefined ? "participant" : roleOf(before, name);
}

function checkNames(
  nodes: readonly string[],
  hosts: readonly string[],
  coordinator: string | undefined,
): void {
  if (nodes.length === 0) {
    throw new UsageError("Cannot make certificates for no node: name them, as in --nodes a,b");
  }
  for (const [index, name] of nodes.entries()) {
    checkName(name);
    if (nodes.indexOf(name) !== index) {
      throw new UsageError(`Cannot make two certificates for "${name}": name each node once`);
    }
  }
  if (coordinator !== undefined && !nodes.includes(coordinator)) {
    throw new UsageError(
      `Cannot make ${JSON.stringify(coordinator)} the coordinator: it is not among the nodes (${
        nodes.join(", ")
      })`,
    );
  }
  checkHosts(hosts);
}

async function refuseToOverwrite(dir: string, nodes: readonly string[]): Promise<void> {
  for (const name of nodes) {
    for (const path of [`${dir}/${name}.pem`, `${dir}/${name}.key`]) {
      if (!await exists(path)) continue;
      throw new UsageError(
        `Cannot write ${path}: it exists. Leave "${name}" out of --nodes to keep it, or add ` +
          "--force to replace its certificate and key",
      );
    }
  }
}

async function writePair(dir: string, name: string, signer: Signer): Promise<string[]> {
  const paths = { cert: `${dir}/${name}.pem`, key: `${dir}/${name}.key` };
  const { certPem, keyPem } = await encodeSigner(signer);
  await writeSecret(paths.key, keyPem);
  await Deno.writeTextFile(paths.cert, certPem);
  return [paths.cert, paths.key];
}
