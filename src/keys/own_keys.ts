/**
 * A node's signing key (Ed25519) and sealing key (X25519) as files beside its certificate's.
 *
 * A key that is there is never replaced, also not together with the certificate: without its sealing key a
 * node can't read what was sealed to it before. Who wants another moves the file away first.
 */

import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { FormatError, messageOf, UsageError } from "../errors.ts";
import { exists, writeSecretOnce } from "./folder.ts";
import { parseSealingKey, type SealingKey } from "./seal.ts";

export interface OwnKeys {
  /** Ed25519, private. */
  readonly signingKey: KeyObject;
  readonly sealingKey: SealingKey;
}

export function ownKeyPaths(dir: string, name: string): { signing: string; sealing: string } {
  return { signing: `${dir}/${name}.signing.key`, sealing: `${dir}/${name}.sealing.key` };
}

/**
 * Makes those of the two files that are missing (PKCS#8 PEM, mode 0600), safely on disk before others
 * hear of their keys. Resolves to the paths written.
 *
 * Throws {@linkcode UsageError} where the folder can't be written.
 */
export async function makeOwnKeys(dir: string, name: string): Promise<string[]> {
  const { signing, sealing } = ownKeyPaths(dir, name);
  const written: string[] = [];
  for (const [path, make] of [[signing, makeSigningKey], [sealing, makeSealingKey]] as const) {
    if (await exists(path)) continue;
    try {
      if (await writeSecretOnce(path, pemOf(make()))) written.push(path);
    } catch (thrown) {
      throw new UsageError(
        `Cannot write ${path}: ${messageOf(thrown)}. A node needs this key beside its ` +
          `certificate: let it write to ${dir} once, or put the file there`,
      );
    }
  }
  return written;
}

/** Throws {@linkcode UsageError} that names the file and what to do. */
export async function readOwnKeys(dir: string, name: string): Promise<OwnKeys> {
  const { signing, sealing } = ownKeyPaths(dir, name);
  return {
    signingKey: await read(signing, parseSigningKey, "another is made at the next start"),
    sealingKey: await read(
      sealing,
      parseSealingKey,
      "another is made at the next start, and what was sealed to this one can't be read any more",
    ),
  };
}

function makeSigningKey(): KeyObject {
  return generateKeyPairSync("ed25519").privateKey;
}

function makeSealingKey(): KeyObject {
  return generateKeyPairSync("x25519").privateKey;
}

function pemOf(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

/** Reads a PKCS#8 PEM (RFC 8410). Throws if it is none, or no Ed25519 private key. */
export function parseSigningKey(pem: string): KeyObject {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== "ed25519") throw new FormatError("it is no Ed25519 key");
  return key;
}

async function read<T>(
  path: string,
  parse: (pem: string) => T | Promise<T>,
  otherwise: string,
): Promise<T> {
  try {
    return await parse(await Deno.readTextFile(path));
  } catch (thrown) {
    throw new UsageError(
      `Cannot use ${path}: ${messageOf(thrown)}. Put back a copy of it, or move it away: then ` +
        otherwise,
    );
  }
}
