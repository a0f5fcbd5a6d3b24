/** What the CA's owner does when a node's key was stolen, or its owner leaves: its certificates count no more. */

import { UsageError } from "../errors.ts";
import { signerIn } from "./folder.ts";
import { issuedTo, noteIssued, readIssued, whileIssuing } from "./issued.ts";
import { keyFingerprint } from "./request.ts";
import {
  parseRevocationList,
  revocationPath,
  signRevocationList,
  writeRevocationPem,
} from "./revocations.ts";

export interface RevokeOptions {
  /** Folder of `ca.pem` and `ca.key`, and of every certificate signed so far. */
  readonly dir: string;
  readonly name: string;
  readonly nowMs?: number;
}

/** A certificate that still counts, or did until now. */
export interface Revocable {
  readonly serialNumber: string;
  /** Of its public key, as its owner knows it. */
  readonly fingerprint: string;
  readonly expiresMs: number;
}

export interface Revoked {
  readonly certificates: readonly Revocable[];
  /** The file of the list. */
  readonly path: string;
  /** Of the list. */
  readonly number: number;
}

/**
 * The certificates of a name that count: all that were signed, and have neither expired nor been revoked.
 *
 * Throws {@linkcode UsageError} if there are none.
 */
export async function revocable({ dir, name, nowMs = Date.now() }: RevokeOptions) {
  const { certificate: ca } = await signerIn(dir);
  const issued = await readIssued(dir, ca);
  const theirs = await issuedTo(dir, name, issued);
  const certificates: Revocable[] = theirs
    .filter(({ serialNumber, notAfter }) =>
      notAfter.getTime() >= nowMs && !issued.list?.revokedMs.has(serialNumber)
    )
    .map(({ serialNumber, publicKey, notAfter }) => ({
      serialNumber,
      fingerprint: keyFingerprint(publicKey),
      expiresMs: notAfter.getTime(),
    }));
  // A version before this one kept the last certificate of each name alone.
  const isNoted = issued.certificates.some(({ serialNumber }) =>
    theirs.some((one) => one.serialNumber === serialNumber)
  );
  if (certificates.length > 0) return { certificates, before: issued.list, isNoted };
  const why = theirs.length === 0
    ? `${dir} has none that was signed for it`
    : "all that were signed for it have expired or been revoked";
  throw new UsageError(`Cannot revoke "${name}": no certificate of that name counts: ${why}`);
}

/** Revokes all certificates that a name has so far. Throws as {@linkcode revocable} does. */
export async function revoke(options: RevokeOptions): Promise<Revoked> {
  const { dir, nowMs = Date.now() } = options;
  const signer = await signerIn(dir);
  return await whileIssuing(dir, async () => {
    const { certificates, before } = await revocable(options);
    const revokedMs = new Map(before?.revokedMs);
    for (const { serialNumber } of certificates) revokedMs.set(serialNumber, nowMs);
    const number = (before?.number ?? 0) + 1;
    const pem = await signRevocationList(signer, { number, atMs: nowMs, revokedMs });
    // Nodes stop at one that they can't read.
    await parseRevocationList(pem, signer.certificate);
    await noteIssued(dir, pem);
    await writeRevocationPem(dir, pem);
    return { certificates, path: revocationPath(dir), number };
  });
}
