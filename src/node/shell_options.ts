/** What a node of either role is started with. */

import type { Endpoint } from "../endpoint.ts";
import type { Identity } from "../keys/identity.ts";
import type { Log } from "../log/log.ts";
import type { HaltPoint } from "./halt.ts";
import type { Surroundings } from "./surroundings.ts";

export type LogLevel = "error" | "warn" | "info" | "debug";

export interface ShellOptions {
  /** The last three where it has a certificate. */
  readonly identity:
    & Pick<Identity, "name" | "network">
    & Partial<Pick<Identity, "certificate" | "expiresMs" | "revocations">>;
  readonly surroundings: Surroundings;
  /** Opened, not yet replayed. */
  readonly log: Log;
  /** Where to listen for links; port 0 chooses one. */
  readonly listen: Endpoint;
  /** `HOST:PORT` told to peers. Default: where it listens. */
  readonly advertise?: string;
  readonly print: (level: LogLevel, line: string) => void;
  readonly halt?: HaltPoint;
  /** Records between two checkpoints. */
  readonly checkpointRecords?: number;
}
