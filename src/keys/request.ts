/** Certificate requests (PKCS#10, RFC 2986): a node makes its own key and asks the CA's owner. */

import "reflect-metadata";
import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { isIP } from "node:net";
import {
  PemConverter,
  Pkcs10CertificateRequest,
  Pkcs10CertificateRequestGenerator,
  type PublicKey,
  SubjectAlternativeNameExtension,
} from "@peculiar/x509";
import { messageOf, UsageError } from "../errors.ts";
import type { Role } from "../names.ts";
import { algorithm } from "./authority.ts";
import { fingerprint, roleAmong, roleUri } from "./certificate.ts";
import { exists, writeSecret } from "./folder.ts";
import { checkHosts, checkName } from "./names.ts";
import { makeOwnKeys } from "./own_keys.ts";

export interface RequestOptions {
  /** Folder to write to; made if it does not exist. */
  readonly dir: string;
  readonly name: string;
  readonly role: Role;
  /** DNS names and addresses at which the node serves HTTPS. */
  readonly hosts: readonly string[];
  /** Replaces a key and request of the same name; the signing and the sealing key stay. */
  readonly force?: boolean;
  /** Replaces the request alone, by one for the key that is there. */
  readonly renew?: boolean;
}

export interface MadeRequest {
  readonly keyPath: string;
  readonly requestPath: string;
  /** The signing and the sealing key, if they are new. */
  readonly ownKeyPaths: readonly string[];
  /** Of the public key, to be compared with what the CA's owner sees. */
  readonly fingerprint: string;
}

/** What a request asks for, once its own signature has been checked. */
export interface NodeCertificateRequest {
  readonly name: string;
  readonly role: Role;
  readonly hosts: readonly string[];
  readonly publicKey: PublicKey;
  readonly fingerprint: string;
}

/**
 * Makes `NAME.key` (mode 0600) and `NAME.csr`, and the node's signing and sealing keys where they are
 * missing. With `renew` it takes the key that is there.
 *
 * Throws {@linkcode UsageError} for a bad name or host, for a file that exists without `force`, and for a
 * key to renew that can't be used; nothing has been written then.
 */
export async function makeRequest(options: RequestOptions): Promise<MadeRequest> {
  const { dir, name, role, hosts, force = false, renew = false } = options;
  checkName(name);
  checkHosts(hosts);
  if (hosts.includes(name)) {
    throw new UsageError(
      `Cannot use "${name}" as a host: it is the node's own name, which its certificate has ` +
        "anyway. Leave it out of --hosts",
    );
  }
  const keyPath = `${dir}/${name}.key`;
  const requestPath = `${dir}/${name}.csr`;
  for (const path of force || renew ? [] : [keyPath, requestPath]) {
    if (!await exists(path)) continue;
    throw new UsageError(
      `Cannot write ${path}: it exists. Send the ${name}.csr made with that key, or make another ` +
        "for it by --renew, as for other hosts, or add --force to replace both: a certificate for " +
        "the old key is of no use then",
    );
  }
  const keys = renew
    ? await readKeys(keyPath)
    : await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [name] }],
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new SubjectAlternativeNameExtension([
        { type: "dns", value: name },
        { type: "url", value: roleUri(role) },
        ...hosts.map((host) => ({
          type: isIP(host) ? "ip" as const : "dns" as const,
          value: host,
        })),
      ]),
    ],
  });
  await Deno.mkdir(dir, { recursive: true });
  const ownKeyPaths = await makeOwnKeys(dir, name);
  if (!renew) {
    const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
    await writeSecret(keyPath, PemConverter.encode(pkcs8, "PRIVATE KEY") + "\n");
  }
  await Deno.writeTextFile(requestPath, request.toString("pem") + "\n");
  const fingerprint = keyFingerprint(request.publicKey);
  return { keyPath, requestPath, ownKeyPaths, fingerprint };
}

/**
 * Reads a request and checks that whoever made it has the key.
 *
 * Throws {@linkcode UsageError} that names the file and what is wrong with it.
 */
export async function readRequest(path: string): Promise<NodeCertificateRequest> {
  const request = parse(path, await read(path));
  if (!await verified(request)) {
    throw refused(path, "its signature does not fit its key: it was changed on its way");
  }
  const key = createPublicKey({
    key: Buffer.from(request.publicKey.rawData),
    format: "der",
    type: "spki",
  });
  if (key.asymmetricKeyDetails?.namedCurve !== "prime256v1") {
    throw refused(path, "its key is no ECDSA P-256 key");
  }
  const names = request.subjectName.getField("CN");
  const [name] = names;
  if (name === undefined || names.length > 1) throw refused(path, "it does not name one node");
  const extension = request.extensions.find((of) => of instanceof SubjectAlternativeNameExtension);
  const alternative = extension?.names.items ?? [];
  const values = (types: readonly string[]) =>
    alternative.filter(({ type }) => types.includes(type)).map(({ value }) => value);
  const hosts = values(["dns", "ip"]).filter((host) => host !== name);
  try {
    checkName(name);
    checkHosts(hosts);
    const role = roleAmong(values(["url"]), name);
    const { publicKey } = request;
    return { name, role, hosts, publicKey, fingerprint: keyFingerprint(publicKey) };
  } catch (thrown) {
    throw refused(path, messageOf(thrown));
  }
}

/** SHA-256 of a public key (SPKI), as people compare it: `SHA256:` and hexadecimal. */
export function keyFingerprint(key: PublicKey): string {
  return `SHA256:${fingerprint(new Uint8Array(key.rawData)).toHex()}`;
}

/** The key that a request is renewed for. */
async function readKeys(path: string): Promise<CryptoKeyPair> {
  try {
    const privateKey = createPrivateKey(await Deno.readTextFile(path));
    const publicKey = createPublicKey(privateKey);
    const pkcs8 = new Uint8Array(privateKey.export({ format: "der", type: "pkcs8" }));
    const spki = new Uint8Array(publicKey.export({ format: "der", type: "spki" }));
    return {
      privateKey: await crypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]),
      publicKey: await crypto.subtle.importKey("spki", spki, algorithm, true, ["verify"]),
    };
  } catch (thrown) {
    const reason = thrown instanceof Deno.errors.NotFound
      ? "there is no such file. Leave out --renew to make a key"
      : `${messageOf(thrown)}. Put back a copy of it, or make another by --force`;
    throw new UsageError(`Cannot renew the request for ${path}: ${reason}`);
  }
}

async function read(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (thrown) {
    const reason = thrown instanceof Deno.errors.NotFound
      ? "there is no such file"
      : messageOf(thrown);
    throw new UsageError(`Cannot read ${path}: ${reason}. Give the NAME.csr that "csr" made`);
  }
}

function parse(path: string, text: string): Pkcs10CertificateRequest {
  if (text.includes("PRIVATE KEY")) {
    throw refused(path, "it is a private key, which nobody but its owner may have");
  }
  try {
    return new Pkcs10CertificateRequest(text);
  } catch {
    throw refused(path, "it is no certificate request (PKCS#10)");
  }
}

async function verified(request: Pkcs10CertificateRequest): Promise<boolean> {
  try {
    return await request.verify();
  } catch {
    return false;
  }
}

function refused(path: string, reason: string): UsageError {
  return new UsageError(
    `Cannot sign ${path}: ${reason}. Its owner makes one by: ` +
      "handfast csr --name NAME --role client",
  );
}
