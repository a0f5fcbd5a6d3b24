/** What nodes would be without signatures, so that it can be measured what those cost. */

import { IdentityTrust } from "../../src/node/identity_trust.ts";
import type { Trust } from "../../src/node/trust.ts";

/** From now on the nodes of this process sign with zeros, and believe everything. */
export function withoutSignatures(): void {
  const nothing = new Uint8Array(64);
  const credulous: Omit<Trust, "introduction"> = {
    sign: () => nothing,
    hasSigned: () => true,
    check: () => Promise.resolve(true),
    isRevoked: () => false,
  };
  // No node of production can be started so: there is no option for it to be given another.
  Object.assign(IdentityTrust.prototype, credulous);
}
