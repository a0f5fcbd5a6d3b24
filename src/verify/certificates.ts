/** Whether the keys by which logs check others' statements are those of nodes that the network's CA has signed for. */

import { messageOf } from "../errors.ts";
import type { Authority } from "../keys/certificate.ts";
import { parseCertificate, verifyPeerCertificate } from "../keys/certificate.ts";
import { verifyVoucher } from "../keys/voucher.ts";
import type { Introduction } from "../protocol/message.ts";
import type { Chain } from "./chain.ts";
import type { Findings } from "./findings.ts";

/** Checks every introduction in the logs of the CA's network; those of others are told of as such. */
export async function checkCertificates(
  chains: readonly Chain[],
  authority: Authority,
  findings: Findings,
): Promise<void> {
  for (const { name, genesis, introductions } of chains) {
    if (genesis.network !== authority.network) continue;
    for (const { name: peer, introduction, number, atMs } of introductions) {
      const fault = await faultOf(introduction, peer, atMs, authority);
      if (fault === undefined) continue;
      const what = `entry ${number} introduces ${peer} by a certificate that does not hold`;
      findings.violation("certificates", `${name}: ${what}: ${fault}`);
    }
  }
}

/**
 * It must not have expired when it first came: what has expired since has vouched for what was signed until
 * then. A node whose clock is behind may have taken one that by its clock was not valid yet.
 */
async function faultOf(
  { certificate, voucher }: Introduction,
  name: string,
  atMs: number,
  authority: Authority,
): Promise<string | undefined> {
  try {
    const { notBefore } = parseCertificate(certificate);
    const nowMs = Math.max(atMs, notBefore.getTime());
    const peer = await verifyPeerCertificate(authority, certificate, nowMs);
    if (peer.name !== name) return `it is that of "${peer.name}"`;
    verifyVoucher(authority, peer, voucher);
    return undefined;
  } catch (error) {
    // Others' bytes: what can't be made out vouches for nothing.
    return messageOf(error);
  }
}
