/** A node's own certificate and key, read from the folder that `handfast init` wrote. */

import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { messageOf, shortened, UsageError } from "../errors.ts";
import { isName, type Role } from "../names.ts";
import {
  type Authority,
  CertificateError,
  parseCertificate,
  readAuthority,
  roleOf,
  verifyPeerCertificate,
} from "./certificate.ts";
import { exists, readCertificate } from "./folder.ts";
import { makeOwnKeys, type OwnKeys, readOwnKeys } from "./own_keys.ts";
import { readRevocationList, revocationPath, Revocations } from "./revocations.ts";
import { makeVoucher } from "./voucher.ts";

/** Who a node is, and what proves it. */
export interface Identity extends Authority, OwnKeys {
  readonly revocations: Revocations;
  readonly name: string;
  readonly role: Role;
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: string;
  readonly certDer: Uint8Array;
  /** Of the certificate. */
  readonly privateKey: KeyObject;
  readonly expiresMs: number;
  /** By which the certificate vouches for the public halves of the signing and the sealing key. */
  readonly voucher: Uint8Array;
}

export interface LoadIdentityOptions {
  /** Folder of `ca.pem`, `NAME.pem`, `NAME.key`, `NAME.signing.key` and `NAME.sealing.key`. */
  readonly certs: string;
  /** Default: the only node certificate in the folder. */
  readonly name?: string;
  /** Time at which the certificate must be valid, in milliseconds since 1970. Default: now. */
  readonly nowMs?: number;
  /** For a node that makes no links: its certificate may have expired, or been revoked. */
  readonly mayHaveEnded?: boolean;
}

/**
 * Reads a node's files and checks that they belong together and are valid. Makes the signing and the
 * sealing key where they are missing, as in a folder of a version that had none.
 *
 * Throws {@linkcode UsageError} that names the file and what to do.
 */
export async function loadIdentity(options: LoadIdentityOptions): Promise<Identity> {
  const { certs, nowMs = Date.now(), mayHaveEnded = false } = options;
  await checkFolder(certs);
  const name = options.name ?? await onlyNode(certs);
  if (!isName(name)) {
    const shown = JSON.stringify(shortened(name));
    throw new UsageError(
      `Cannot use the name ${shown}: a node's name is a small letter, then at most 30 small ` +
        "letters, digits or hyphens",
    );
  }
  const paths = {
    ca: `${certs}/ca.pem`,
    cert: `${certs}/${name}.pem`,
    key: `${certs}/${name}.key`,
  };
  await checkSigned(certs, name);
  const [caPem, certPem, keyPem] = await Promise.all([
    read(paths.ca, certs, name),
    read(paths.cert, certs, name),
    read(paths.key, certs, name),
  ]);

  const authority = await checked(paths.ca, certs, name, () => readAuthority(caPem));
  const certDer = await checked(
    paths.cert,
    certs,
    name,
    () => new Uint8Array(parseCertificate(certPem).rawData),
  );
  // Who makes no links believes nobody.
  const revocations = mayHaveEnded ? new Revocations() : await revocationsIn(certs, authority);
  const counting = mayHaveEnded ? authority : { ...authority, revocations };
  const endMs = mayHaveEnded ? parseCertificate(certPem).notAfter.getTime() : Infinity;
  const own = await checked(
    paths.cert,
    certs,
    name,
    () => verifyPeerCertificate(counting, certDer, Math.min(nowMs, endMs)),
  );
  if (own.name !== name) {
    throw new UsageError(
      `Cannot use ${paths.cert}: it is the certificate of "${own.name}", not of "${name}". ` +
        await remedy(certs, name),
    );
  }
  const privateKey = await checked(paths.key, certs, name, () => createPrivateKey(keyPem));
  if (!createPublicKey(keyPem).equals(own.publicKey)) {
    throw new UsageError(
      `Cannot use ${paths.key}: it is not the key of ${paths.cert}. ${await remedy(certs, name)}`,
    );
  }
  const { role, expiresMs } = own;
  await makeOwnKeys(certs, name);
  const { network } = authority;
  const subject = { network, name, role, privateKey, ...await readOwnKeys(certs, name) };
  const voucher = makeVoucher(subject);
  const files = { caPem, certPem, keyPem, certDer };
  return { ...authority, revocations, ...subject, ...files, expiresMs, voucher };
}

/** A list that can't be read may revoke whoever comes: without it no peer can be believed. */
async function revocationsIn(certs: string, { certificate }: Authority): Promise<Revocations> {
  try {
    return new Revocations(await readRevocationList(certs, certificate));
  } catch (thrown) {
    throw new UsageError(
      `Cannot use ${revocationPath(certs)}: ${messageOf(thrown)}. Get it again from the owner of ` +
        "the network's CA",
    );
  }
}

async function onlyNode(certs: string): Promise<string> {
  const names = await nodeNames(certs);
  const only = names[0];
  if (only === undefined) {
    const [waiting] = await namesOf(certs, ".key");
    if (waiting !== undefined) await checkSigned(certs, waiting);
    throw new UsageError(
      `Cannot find a node's certificate in ${certs}. ${await remedy(certs, "NAME")}`,
    );
  }
  if (names.length > 1) {
    throw new UsageError(
      `Cannot choose between the certificates in ${certs}: say --name with one of ${
        names.join(", ")
      }`,
    );
  }
  return only;
}

/** Names of the nodes that have a certificate in a folder, sorted; none if there is no folder. */
export function nodeNames(certs: string): Promise<string[]> {
  return namesOf(certs, ".pem");
}

/** Those of them that are a coordinator's, or a participant's; one that can't be read may be either's. */
export async function nodeNamesOf(certs: string, role: Role): Promise<string[]> {
  const named = await Promise.all((await nodeNames(certs)).map(async (name) => {
    const certificate = await readCertificate(`${certs}/${name}.pem`).catch(() => undefined);
    return { name, isOf: certificate === undefined || roleOf(certificate, name) === role };
  }));
  return named.filter(({ isOf }) => isOf).map(({ name }) => name);
}

/** A node that made its own key waits for the CA's owner. */
async function checkSigned(certs: string, name: string): Promise<void> {
  const path = `${certs}/${name}.pem`;
  if (!await exists(`${certs}/${name}.key`)) return;
  if (!await exists(path)) {
    throw new UsageError(
      `Cannot run "${name}": there is ${certs}/${name}.key, but no ${path}. Have the owner of the ` +
        `network's CA sign it (handfast sign ${name}.csr --certs DIR, in the CA's folder), and put ` +
        `the ${name}.pem and ca.pem that come back into ${certs}`,
    );
  }
  if (await exists(`${certs}/${name}.csr`) && !await exists(`${certs}/ca.pem`)) {
    throw new UsageError(
      `Cannot run "${name}": there is no ${certs}/ca.pem, the network's CA certificate. Get it ` +
        `from whoever signed ${path}, and put it into ${certs}`,
    );
  }
}

/** Names of nodes that have a file with that ending in a folder, sorted. */
async function namesOf(certs: string, ending: ".pem" | ".key"): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(certs)) {
      const name = entry.name.endsWith(ending) ? entry.name.slice(0, -ending.length) : "";
      if (name !== "ca" && isName(name)) names.push(name);
    }
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
  return names.sort();
}

async function read(path: string, certs: string, name: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (thrown) {
    const reason = thrown instanceof Deno.errors.NotFound
      ? "there is no such file"
      : messageOf(thrown);
    throw new UsageError(`Cannot read ${path}: ${reason}. ${await remedy(certs, name)}`);
  }
}

async function checked<T>(
  path: string,
  certs: string,
  name: string,
  use: () => T | Promise<T>,
): Promise<T> {
  try {
    return await use();
  } catch (thrown) {
    const isRevoked = thrown instanceof CertificateError && thrown.fault === "revoked";
    const next = isRevoked ? await otherKeys(certs, name) : await remedy(certs, name);
    throw new Error(`Cannot use ${path}: ${messageOf(thrown)}. ${next}`);
  }
}

/** A certificate for the keys that are there would be of no use: somebody else may have them. */
async function otherKeys(certs: string, name: string): Promise<string> {
  const again = await exists(`${certs}/ca.key`)
    ? `handfast init --certs ${certs} --nodes ${name} --force`
    : `handfast csr --certs ${certs} --name ${name} --role client|server --force, and have it signed`;
  return `Move ${certs}/${name}.*key away, then: ${again}`;
}

/** A path that was mistyped is likelier than a network that is to be made. */
async function checkFolder(certs: string): Promise<void> {
  if (await exists(certs)) return;
  throw new UsageError(
    `There is no folder ${certs}: say --certs with the one that has the certificates. Those of a ` +
      `new network are made by: handfast init --certs ${certs} --nodes coordinator,alice,bob`,
  );
}

/** Only a CA's key lets one node be named: without it, init would make that node another network's coordinator. */
async function remedy(certs: string, name: string): Promise<string> {
  if (await exists(`${certs}/ca.key`)) {
    return `Certificates are made by: handfast init --certs ${certs} --nodes ${name} ` +
      `(with --force to replace those that exist, and --coordinator ${name} for the coordinator)`;
  }
  const [key, request] = [`${certs}/${name}.key`, `${certs}/${name}.csr`];
  const force = await exists(key) ? " --force" : "";
  const ask = await exists(request)
    ? `Send ${request}`
    : `Run handfast csr --certs ${certs} --name ${name} --role client|server${force}, and send ${request}`;
  const signed = `${ask} to the owner of the network's CA, who signs it (handfast sign ` +
    `${name}.csr), and put the ${name}.pem and ca.pem that come back into ${certs}`;
  if (await exists(`${certs}/ca.pem`)) return signed;
  return `${signed}. For a new network: handfast init --certs ${certs} --nodes coordinator,alice,bob`;
}
