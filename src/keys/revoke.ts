/** What the CA's owner does when a node's key was stolen, or its owner leaves: its certificates count no more. */

import { messageOf, UsageError } from "../errors.ts";
import { signerIn } from "./folder.ts";
import { issuedTo } from "./issued.ts";
import { keyFingerprint } from "./request.ts";
import { readRevocationList, revocationPath, signRevocationList } from "./revocations.ts";

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
export async function revocable(options: RevokeOptions): Promise<Revocable[]> {
  const { dir, name, nowMs = Date.now() } = options;
  const { before } = await authorityIn(dir);
  const issued = await issuedTo(dir, name);
  const counting = issued.filter(({ serialNumber, notAfter }) =>
    notAfter.getTime() >= nowMs && !before?.revokedMs.has(serialNumber)
  );
  if (counting.length > 0) {
    return counting.map(({ serialNumber, publicKey, notAfter }) => ({
      serialNumber,
      fingerprint: keyFingerprint(publicKey),
      expiresMs: notAfter.getTime(),
    }));
  }
  const why = issued.length === 0
    ? `${dir} has none that was signed for it`
    : "all that were signed for it have expired or been revoked";
  throw new UsageError(`Cannot revoke "${name}": no certificate of that name counts: ${why}`);
}

/** Revokes all certificates that a name has so far. Throws as {@linkcode revocable} does. */
export async function revoke(options: RevokeOptions): Promise<Revoked> {
  const { dir, nowMs = Date.now() } = options;
  const { signer, before } = await authorityIn(dir);
  const certificates = await revocable(options);
  const revokedMs = new Map(before?.revokedMs);
  for (const { serialNumber } of certificates) revokedMs.set(serialNumber, nowMs);
  const number = (before?.number ?? 0) + 1;
  const path = revocationPath(dir);
  // A list that is half written would be none: nodes of this machine read it here.
  await Deno.writeTextFile(
    `${path}.new`,
    await signRevocationList(signer, { number, atMs: nowMs, revokedMs }),
  );
  await Deno.rename(`${path}.new`, path);
  return { certificates, path, number };
}

/** The CA, and its last list. */
async function authorityIn(dir: string) {
  const signer = await signerIn(dir);
  try {
    return { signer, before: await readRevocationList(dir, signer.certificate) };
  } catch (thrown) {
    throw new UsageError(
      `Cannot add to ${revocationPath(dir)}: ${
        messageOf(thrown)
      }. Put back the last list that was signed`,
    );
  }
}
