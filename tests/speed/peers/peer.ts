import type { Stores } from "./load.ts";

/** What people would use instead of Handfast, without TLS, signatures and recovery. */
export interface Peer {
  readonly name: string;
  /** That brings the program. */
  readonly debianPackage: string;
  isInstalled(): Promise<boolean>;
  /** Starts servers with accounts as at first, whose files are in `folder`; they end with the stores. */
  open(folder: string, signal: AbortSignal): Promise<Stores>;
}
