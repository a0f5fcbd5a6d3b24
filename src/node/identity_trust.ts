/** Trust by the network's certificates: each vouches for the key by which its node signs. */

import type { KeyObject } from "node:crypto";
import type { X509Certificate } from "@peculiar/x509";
import {
  CertificateError,
  type CertificateFault,
  parseCertificate,
  verifyPeerCertificate,
} from "../keys/certificate.ts";
import type { Identity } from "../keys/identity.ts";
import { readSigningPublicKey } from "../keys/public_key.ts";
import { signBytes, verifyBytes } from "../keys/signature.ts";
import { decodeVoucher, verifyVoucher } from "../keys/voucher.ts";
import type { Introduction } from "../protocol/message.ts";
import type { Trust } from "./trust.ts";

export class IdentityTrust implements Trust {
  readonly introduction: Introduction;
  readonly #identity: Identity;
  readonly #keys = new WeakMap<Introduction, KeyObject>();
  readonly #certificates = new WeakMap<Introduction, X509Certificate>();

  constructor(identity: Identity) {
    this.#identity = identity;
    this.introduction = { certificate: identity.certDer, voucher: identity.voucher };
  }

  sign(bytes: Uint8Array): Uint8Array {
    return signBytes(this.#identity.signingKey, bytes);
  }

  hasSigned(by: Introduction, bytes: Uint8Array, signature: Uint8Array): boolean {
    let key = this.#keys.get(by);
    if (!key) {
      key = readSigningPublicKey(decodeVoucher(by.voucher).signingKey);
      this.#keys.set(by, key);
    }
    return verifyBytes(key, bytes, signature);
  }

  async check(name: string, { certificate, voucher }: Introduction): Promise<boolean> {
    let peer;
    try {
      peer = await verifyPeerCertificate(this.#identity, certificate, Date.now());
    } catch (error) {
      if (error instanceof CertificateError && endings.includes(error.fault)) return false;
      throw error;
    }
    if (peer.name !== name) throw new Error(`the certificate is that of "${peer.name}"`);
    verifyVoucher(this.#identity, peer, voucher);
    return true;
  }

  isRevoked(introduction: Introduction): boolean {
    const { revocations } = this.#identity;
    if (revocations.size === 0) return false;
    let certificate = this.#certificates.get(introduction);
    if (!certificate) {
      certificate = parseCertificate(introduction.certificate);
      this.#certificates.set(introduction, certificate);
    }
    return revocations.revokedMs(certificate) !== undefined;
  }
}

/** Of certificates that counted once. */
const endings: readonly CertificateFault[] = ["expired", "revoked"];
