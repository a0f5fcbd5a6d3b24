/** The files of a certificate folder, as they are read and written. */

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

/**
 * Writes a secret that is never replaced: false if the file was there already. A crash leaves either
 * nothing or all of it; once this resolves it is on disk.
 */
export async function writeSecretOnce(path: string, text: string): Promise<boolean> {
  const dir = path.slice(0, path.lastIndexOf("/"));
  // Made with mode 0600, and with a name that is taken for no certificate or key.
  const fresh = await Deno.makeTempFile({ dir, prefix: ".new-" });
  try {
    await Deno.writeTextFile(fresh, text);
    await sync(fresh, { write: true });
    await Deno.link(fresh, path);
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
