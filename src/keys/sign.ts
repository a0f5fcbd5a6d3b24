/** What the CA's owner does with a request: check it against the network, and sign it. */

import { Buffer } from "node:buffer";
import type { X509Certificate } from "@peculiar/x509";
import { UsageError } from "../errors.ts";
import { nodeValidityDays } from "../limits.ts";
import { signNode } from "./authority.ts";
import { roleOf } from "./certificate.ts";
import { signerIn } from "./folder.ts";
import { nodeNames } from "./identity.ts";
import { issuedTo, noteIssued, readIssued, whileIssuing } from "./issued.ts";
import { checkHostsAgainst } from "./names.ts";
import { keyFingerprint, type NodeCertificateRequest } from "./request.ts";

export interface SignOptions {
  /** Folder of `ca.pem` and `ca.key`, and of every certificate signed so far. */
  readonly dir: string;
  readonly request: NodeCertificateRequest;
  /** Signs for another key or role than the name has. */
  readonly force?: boolean;
  readonly nowMs?: number;
}

/** Whether the name has had a certificate: then this one renews it. */
export type Standing = "new" | "renewal";

/**
 * Checks that the network can take the request: nobody else has the name, and no host is a node.
 *
 * Throws {@linkcode UsageError} that names what is in the way.
 */
export async function checkRequest(options: SignOptions): Promise<Standing> {
  const { dir, request: { name, role, hosts, publicKey, fingerprint }, force = false } = options;
  const { certificate: ca } = await signerIn(dir);
  await checkHostsAgainst(dir, await nodeNames(dir), [name], hosts);
  const issued = await readIssued(dir, ca);
  const theirs = await issuedTo(dir, name, issued);
  const isRevoked = ({ serialNumber }: X509Certificate) => issued.list?.revokedMs.has(serialNumber);
  const isOfThisKey = (certificate: X509Certificate) =>
    Buffer.from(certificate.publicKey.rawData).equals(Buffer.from(publicKey.rawData));
  if (theirs.filter(isOfThisKey).some(isRevoked)) {
    throw new UsageError(
      `Cannot sign for "${name}": certificates of this key (${fingerprint}) were revoked, so ` +
        `somebody else may have it. Have ${name}'s owner move it away and make another: ` +
        `handfast csr --name ${name} --role ${
          role === "coordinator" ? "server" : "client"
        } --force`,
    );
  }
  const before = theirs.at(-1);
  if (before === undefined) return "new";
  if (!isOfThisKey(before) && !isRevoked(before) && !force) {
    throw new UsageError(
      `Cannot sign for "${name}": it has a certificate of another key ` +
        `(${
          keyFingerprint(before.publicKey)
        }, not ${fingerprint}), so two could come as "${name}". ` +
        "Ask for another name, or, once its owner has confirmed a new key, " +
        `end the old one by handfast revoke ${name}, or let both count by --force`,
    );
  }
  const roleNow = roleOf(before, name);
  if (roleNow !== role && !force) {
    throw new UsageError(
      `Cannot sign for "${name}" as ${role}: it has a certificate as ${roleNow}. Ask for another ` +
        "name, or add --force to change its role",
    );
  }
  return "renewal";
}

/** Signs the request and writes `NAME.pem`. Checks again what {@linkcode checkRequest} does. */
export async function signRequest(
  options: SignOptions,
): Promise<{ readonly path: string; readonly expiresMs: number }> {
  const { dir, request: { name, role, hosts, publicKey }, nowMs = Date.now() } = options;
  const signer = await signerIn(dir);
  return await whileIssuing(dir, async () => {
    await checkRequest(options);
    const validityDays = nodeValidityDays;
    const wanted = { signer, name, role, hosts, nowMs, validityDays, publicKey };
    const certificate = await signNode(wanted);
    const pem = certificate.toString("pem") + "\n";
    await noteIssued(dir, pem);
    const path = `${dir}/${name}.pem`;
    await Deno.writeTextFile(path, pem);
    return { path, expiresMs: certificate.notAfter.getTime() };
  });
}
