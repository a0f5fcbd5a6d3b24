/**
 * What the CA has revoked, as a node goes by it: the list beside its certificates, which is read again while it
 * runs, so that nothing waits for a restart; and a copy of it in the data folder, so that a restart without that
 * file, or with an older one, takes nothing back.
 */

import { messageOf, UsageError } from "../errors.ts";
import { CertificateError, parseCertificate, revokedText } from "../keys/certificate.ts";
import type { Identity } from "../keys/identity.ts";
import {
  parseRevocationList,
  readRevocationPem,
  revocationPath,
  writeRevocationPem,
} from "../keys/revocations.ts";
import { revocationsReadMs } from "../limits.ts";
import type { Print } from "./printer.ts";
import type { Time } from "./surroundings.ts";

export interface RevocationWatchOptions {
  /** The folder of the certificates. */
  readonly certs: string;
  /** The data folder. */
  readonly data: string;
  readonly identity: Pick<Identity, "name" | "certificate" | "certDer" | "revocations">;
  readonly time: Pick<Time, "every">;
  readonly print: Print;
  /** Ends what goes by certificates that are revoked. */
  readonly dropRevoked: () => void;
}

/**
 * Takes over what the copy in the data folder says, also against the file beside the certificates.
 *
 * @throws {Error} if the node's own certificate is revoked by it, or the copy can't be read
 */
export async function takeOverKept(
  data: string,
  { certificate, certDer, name, revocations }: RevocationWatchOptions["identity"],
): Promise<void> {
  const path = revocationPath(data);
  try {
    for (const list of listsIn(await readRevocationPem(data))) {
      revocations.takeOver(await parseRevocationList(list, certificate));
    }
  } catch (thrown) {
    throw new UsageError(
      `Cannot use ${path}: ${
        messageOf(thrown)
      }. Put the CA's last list beside ca.pem, and delete this copy`,
    );
  }
  const revokedMs = revocations.revokedMs(parseCertificate(certDer));
  if (revokedMs === undefined) return;
  const remedy =
    "move its keys away, and have the CA's owner sign for others (handfast csr --force)";
  throw new CertificateError("revoked", `${revokedText(name, revokedMs)}: ${remedy}`);
}

/** One after the other, as they came. */
function listsIn(pem = ""): string[] {
  return pem.split(/(?=-----BEGIN )/).filter((one) => one.trim() !== "");
}

export class RevocationWatch {
  readonly #options: RevocationWatchOptions;
  readonly #stop: () => void;
  #looking: Promise<void> | undefined;
  /** What was read last; nothing before the first look, and where there is no file. */
  #pem: string | undefined;
  /** The same fault again writes no second line. */
  #lastFault: string | undefined;

  constructor(options: RevocationWatchOptions) {
    this.#options = options;
    const look = () => {
      this.#looking ??= this.#look().finally(() => this.#looking = undefined);
    };
    this.#stop = options.time.every(revocationsReadMs, look);
    look();
  }

  async stop(): Promise<void> {
    this.#stop();
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { certs, identity: { revocations }, dropRevoked } = this.#options;
    const path = revocationPath(certs);
    let fault = this.#lastFault;
    try {
      const pem = await readRevocationPem(certs);
      if (pem === undefined) fault = revocations.number > 0 ? `${path} is gone` : undefined;
      else if (pem !== this.#pem) fault = await this.#take(path, pem);
      this.#pem = pem;
    } catch (thrown) {
      fault = `cannot use ${path}: ${messageOf(thrown)}`;
    }
    if (fault && fault !== this.#lastFault) {
      this.#options.print("warn", `${fault}: what was revoked before stays revoked here`);
    }
    this.#lastFault = fault;
    // Also those who were proving themselves while the list came.
    dropRevoked();
  }

  /** Resolves to what is wrong with a list, if anything. */
  async #take(path: string, pem: string): Promise<string | undefined> {
    const { identity: { certificate, revocations }, data, print } = this.#options;
    const list = await parseRevocationList(pem, certificate);
    const isNew = revocations.takeOver(list);
    if (isNew) {
      const many = revocations.size === 1
        ? "1 certificate is"
        : `${revocations.size} certificates are`;
      print("info", `${path}: by list ${list.number} of the network's CA ${many} revoked`);
    }
    const kept = await readRevocationPem(data) ?? "";
    const lacks = revocations.isMore(list);
    // A CA that was put back from an old copy goes on from there: what it has forgotten stands in lists before.
    if (!lacks && kept !== pem) await writeRevocationPem(data, pem);
    else if (lacks && isNew && !kept.includes(pem)) await writeRevocationPem(data, kept + pem);
    if (!lacks) return undefined;
    return `${path} is the CA's list ${list.number}, and lacks what this node knows to be revoked`;
  }
}
