/** Reads the CA's list of revoked certificates again while a node runs: none of them waits for a restart. */

import { messageOf } from "../errors.ts";
import { parseCertificate } from "../keys/certificate.ts";
import type { Identity } from "../keys/identity.ts";
import type { RevocationList } from "../keys/revocations.ts";
import { readRevocationList, revocationPath } from "../keys/revocations.ts";
import { revocationsReadMs } from "../limits.ts";
import type { Print } from "./printer.ts";
import type { Time } from "./surroundings.ts";

export interface RevocationWatchOptions {
  /** The folder of the list. */
  readonly certs: string;
  readonly identity: Pick<Identity, "name" | "certificate" | "certDer" | "revocations">;
  readonly time: Pick<Time, "every">;
  readonly print: Print;
  /** Ends links with peers whose certificates are revoked. */
  readonly dropRevoked: () => void;
}

export class RevocationWatch {
  readonly #options: RevocationWatchOptions;
  readonly #stop: () => void;
  #looking: Promise<void> | undefined;
  /** The same fault again writes no second line. */
  #lastFault: string | undefined;

  constructor(options: RevocationWatchOptions) {
    this.#options = options;
    const look = () => {
      this.#looking ??= this.#look().finally(() => this.#looking = undefined);
    };
    this.#stop = options.time.every(revocationsReadMs, look);
  }

  async stop(): Promise<void> {
    this.#stop();
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { certs, identity: { certificate, revocations }, dropRevoked } = this.#options;
    const path = revocationPath(certs);
    let fault: string | undefined;
    try {
      const list = await readRevocationList(certs, certificate);
      const known = revocations.list;
      if (list && revocations.takeOver(list)) this.#tell(path, list);
      else if (known && (list?.number ?? 0) < known.number) {
        fault = list
          ? `${path} is the CA's list ${list.number}, older than list ${known.number}`
          : `${path} is gone`;
      }
    } catch (thrown) {
      fault = `cannot use ${path}: ${messageOf(thrown)}`;
    }
    if (fault && fault !== this.#lastFault) {
      const number = revocations.list?.number;
      const kept = number === undefined ? "no list was read before" : `list ${number} still counts`;
      this.#options.print("warn", `${fault}: ${kept}, until the node is started again`);
    }
    this.#lastFault = fault;
    // Also those who were proving themselves while the list came.
    dropRevoked();
  }

  #tell(path: string, { number, revokedMs }: RevocationList): void {
    const { identity: { name, certDer, revocations }, print } = this.#options;
    const many = revokedMs.size === 1 ? "1 certificate is" : `${revokedMs.size} certificates are`;
    print("info", `${path}: by list ${number} of the network's CA ${many} revoked`);
    if (revocations.revokedMs(parseCertificate(certDer)) === undefined) return;
    const remedy = "have the CA's owner sign for a new key, and start the node anew with it";
    print("error", `the certificate of "${name}", this node's own, is revoked: ${remedy}`);
  }
}
