/** The files of a certificate folder and other secrets, as they are read and written. */

import { Buffer } from "node:buffer";
import { dirname } from "node:path";
import type { X509Certificate } from "@peculiar/x509";
import { messageOf, UsageError } from "../errors.ts";
import { readSigner, type Signer } from "./authority.ts";
import { parseCertificate } from "./certificate.ts";

/** The CA in a folder; nothing where there is none. Throws {@linkcode UsageError} for half of one. */
export async function findSigner(dir: string): Promise<Signer | undefined> {
  const paths = { cert: `${dir}/ca.pem`, key: `${dir}/ca.key` };
  const [hasCert, hasKey] = await Promise.all([exists(paths.cert), exists(paths.key)]);
  if (!hasCert && !hasKey) return undefined;
  if (!hasCert || !hasKey) {
    throw new UsageError(
      `Cannot sign with the CA in ${dir}: there is ${hasCert ? paths.cert : paths.key} but no ${
        hasCert ? paths.key : paths.cert
      }. Use the folder where both are, or an empty one for a new network`,
    );
  }
  try {
    return await readSigner(
      await Deno.readTextFile(paths.cert),
      await Deno.readTextFile(paths.key),
    );
  } catch (thrown) {
    throw new UsageError(`Cannot sign with the CA in ${dir}: ${messageOf(thrown)}`);
  }
}

/** The CA in a folder. Throws {@linkcode UsageError} where there is none. */
export async function signerIn(dir: string): Promise<Signer> {
  const signer = await findSigner(dir);
  if (signer !== undefined) return signer;
  throw new UsageError(
    `Cannot sign with the CA in ${dir}: there is no ${dir}/ca.key. Make a CA by: ` +
      `handfast init --certs ${dir} --ca-only`,
  );
}

/** Nothing where there is no such file. */
export async function readCertificate(path: string): Promise<X509Certificate | undefined> {
  if (!await exists(path)) return undefined;
  try {
    return parseCertificate(await Deno.readTextFile(path));
  } catch (thrown) {
    throw new UsageError(`Cannot read ${path}: ${messageOf(thrown)}. Move it away first`);
  }
}

/** Never readable by others, not even for the moment between making the file and its mode. */
export async function writeSecret(path: string, text: string): Promise<void> {
  if (await exists(path)) await Deno.remove(path);
  await Deno.writeTextFile(path, text, { mode: 0o600, createNew: true });
}

/** Of the secrets that are kept as hexadecimal digits. */
export const secretBytes = 32;

/**
 * Reads {@linkcode secretBytes} bytes from hexadecimal digits; nothing where there is no file.
 *
 * Throws {@linkcode UsageError} if the file holds something else, or if others than its owner can use it.
 *
 * @param what is in the file, for errors
 * @param rest of the error where it is not in it
 */
export async function readSecretFile(
  path: string,
  what: string,
  rest: string,
): Promise<Uint8Array | undefined> {
  let file;
  try {
    file = await Deno.open(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
  using _ = file;
  const { mode, isFile } = await file.stat();
  if (!isFile) throw new UsageError(`Cannot read the ${what} "${path}": it is no file`);
  if (mode !== null && (mode & 0o077) !== 0) {
    const bits = (mode & 0o777).toString(8).padStart(4, "0");
    throw new UsageError(
      `Cannot use the ${what} "${path}": others on this machine can read it (mode ${bits}). ` +
        `If none of them has: chmod 600 ${path}`,
    );
  }
  const text = (await new Response(file.readable).text()).trim();
  if (/^[0-9a-f]{64}$/i.test(text)) return Uint8Array.from(Buffer.from(text, "hex"));
  throw new UsageError(
    `Cannot use "${path}" as a ${what}: it is not ${secretBytes * 2} hexadecimal digits${rest}`,
  );
}

/**
 * Writes a secret that is never replaced: false if the file was there already. A crash leaves either
 * nothing or all of it; once this resolves it is on disk.
 */
export async function writeSecretOnce(path: string, text: string): Promise<boolean> {
  const dir = dirname(path);
  // Made with mode 0600, and with a name that is taken for no certificate or key.
  const fresh = await Deno.makeTempFile({ dir, prefix: ".new-" });
  try {
    await Deno.writeTextFile(fresh, text);
    await sync(fresh, { write: true });
    await Deno.link(fresh, path).catch(async (thrown) => {
      if (thrown instanceof Deno.errors.AlreadyExists) throw thrown;
      // The file systems of memory sticks have no links: there a crash may leave a part.
      await Deno.writeTextFile(path, text, { mode: 0o600, createNew: true });
      await sync(path, { write: true });
    });
  } catch (thrown) {
    if (thrown instanceof Deno.errors.AlreadyExists) return false;
    throw thrown;
  } finally {
    await Deno.remove(fresh);
  }
  // Windows opens no folders.
  if (Deno.build.os !== "windows") await sync(dir, { read: true });
  return true;
}

async function sync(path: string, options: Deno.OpenOptions): Promise<void> {
  using opened = await Deno.open(path, options);
  await opened.sync();
}

export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
