/**
 * Who is at the other end of a TLS connection, and whether both remember the same past.
 *
 * TLS has proven the listener to the dialer, by name (`reach.ts`). Here the dialer proves itself to the listener,
 * and each shows the other the entry of its own log that the other has seen last: who came back with
 * an older log, or another, can't.
 */

import {
  type Authority,
  CertificateError,
  fingerprint,
  type PeerCertificate,
  verifyPeerCertificate,
} from "../keys/certificate.ts";
import type { Identity } from "../keys/identity.ts";
import { verifyVoucher } from "../keys/voucher.ts";
import { nonceBytes, type ProofSubject, signProof, verifyProof } from "../keys/proof.ts";
import { frameBytesMax, introductionBytesMax } from "../limits.ts";
import type { Role } from "../names.ts";
import type { Connection } from "./connection.ts";
import { encodeFrame, type Frame, frameKinds } from "./frame.ts";
import type { Greeted, LinkHost } from "./host.ts";
import { checkMemory, entryShown } from "./memory.ts";
import {
  decodeMessage,
  decodeRefuse,
  encodeMessage,
  type HandshakeMessage,
  type Hello,
  linkVersions,
  type SentGreeting,
} from "./message.ts";
import { ConnectionEnded, PeerRefusal, Refusal } from "./refusal.ts";

/** Who a handshake is for. */
export interface Party {
  readonly identity: Identity;
  readonly host: LinkHost;
}

/** A peer that has proven itself, and that both ends agree to link with. */
export interface Proven {
  readonly name: string;
  readonly role: Role;
  readonly greeting: Greeted;
  readonly version: number;
}

/**
 * The listener's side, all but the last word: {@linkcode welcomeFrame} follows once the name is free.
 * `onProven` is awaited as soon as the name is certain; what it throws ends the handshake.
 *
 * Throws {@linkcode Refusal}, {@linkcode PeerRefusal} or {@linkcode ConnectionEnded}.
 */
export async function shakeAsListener(
  connection: Connection,
  party: Party,
  onProven: (name: string) => Promise<void>,
): Promise<Proven> {
  const { identity, host } = party;
  const nonce = freshNonce();
  const certificate = identity.certDer;
  await say(connection, { type: "hello", protocol: linkVersions, certificate, nonce });

  const prove = await hear(connection, "prove", linkVersions, false);
  const version = prove.protocol;
  const peer = await checkPeer(identity, prove.certificate);
  if (prove.name !== peer.name) {
    throw new Refusal("wrong_name", `it says "${prove.name}", its certificate says "${peer.name}"`);
  }
  if (prove.role !== peer.role) {
    throw new Refusal(
      "wrong_role",
      `"${peer.name}" dials as ${prove.role}, its certificate says ${peer.role}`,
    );
  }
  checkPair(identity, peer);
  const subject: ProofSubject = {
    version,
    dialer: { name: peer.name, role: peer.role, nonce: prove.nonce },
    listener: { name: identity.name, role: identity.role, nonce },
    listenerFingerprint: fingerprint(identity.certDer),
  };
  if (!verifyProof(subject, peer.publicKey, prove.signature)) {
    throw new Refusal(
      "bad_proof",
      `whoever dials as "${peer.name}" did not prove to hold its key to this node, now`,
    );
  }
  await onProven(peer.name);
  connection.frames.bytesMax = frameBytesMax;

  const seen = host.seenOf(peer.name);
  await say(connection, {
    type: "accept",
    protocol: version,
    shows: await entryShown(host, prove.asks),
    asks: seen?.number ?? 0,
    greeting: { ...host.greeting(), voucher: identity.voucher },
  });
  const show = await hear(connection, "show", [version], true);
  checkMemory(host, identity.name, peer.name, seen, show);
  const greeting = checkGreeting(party, peer, prove.certificate, show.greeting);
  return { name: peer.name, role: peer.role, greeting, version };
}

/** The listener's last word; what it sends after it belongs to the link. */
export function welcomeFrame(version: number): Frame {
  return encodeMessage({ type: "welcome", protocol: version });
}

/**
 * The dialer's side, for a listener whose name TLS has verified, and who has said hello.
 *
 * Throws {@linkcode Refusal}, {@linkcode PeerRefusal} or {@linkcode ConnectionEnded}.
 */
export async function shakeAsDialer(
  connection: Connection,
  party: Party,
  { hello, peer, version }: Heard,
): Promise<Proven> {
  const { identity, host } = party;
  checkPair(identity, peer);

  const nonce = freshNonce();
  const subject: ProofSubject = {
    version,
    dialer: { name: identity.name, role: identity.role, nonce },
    listener: { name: peer.name, role: peer.role, nonce: hello.nonce },
    listenerFingerprint: fingerprint(hello.certificate),
  };
  const seen = host.seenOf(peer.name);
  await say(connection, {
    type: "prove",
    protocol: version,
    name: identity.name,
    role: identity.role,
    certificate: identity.certDer,
    nonce,
    signature: signProof(subject, identity.privateKey),
    asks: seen?.number ?? 0,
  });
  connection.frames.bytesMax = frameBytesMax;

  const accept = await hear(connection, "accept", [version], false);
  checkMemory(host, identity.name, peer.name, seen, accept);
  const greeting = checkGreeting(party, peer, hello.certificate, accept.greeting);
  await say(connection, {
    type: "show",
    protocol: version,
    shows: await entryShown(host, accept.asks),
    greeting: { ...host.greeting(), voucher: identity.voucher },
  });
  await hear(connection, "welcome", [version], true);
  return { name: peer.name, role: peer.role, greeting, version };
}

/** Whom a dialer wants to find. */
export interface Dialled {
  readonly name: string;
  readonly role: Role;
}

/** A listener's first word. */
export interface Heard {
  readonly hello: Hello;
  readonly peer: PeerCertificate;
  readonly version: number;
}

/** The listener's first word, which anyone may hear. Throws as {@linkcode shakeAsDialer} does. */
export async function hearHello(
  connection: Connection,
  authority: Authority,
  dialled: Dialled,
): Promise<Heard> {
  const hello = await hear(connection, "hello", linkVersions, false);
  const version = linkVersions.find((spoken) => hello.protocol.includes(spoken));
  if (version === undefined) {
    throw new Refusal(
      "unknown_version",
      `"${dialled.name}" speaks version ${hello.protocol.join(", ")} of the link protocol, this ` +
        `node ${linkVersions.join(", ")}`,
    );
  }
  const peer = await checkPeer(authority, hello.certificate);
  if (peer.name !== dialled.name) {
    throw new Refusal("wrong_name", `"${peer.name}" answers where "${dialled.name}" was dialled`);
  }
  if (peer.role !== dialled.role) {
    throw new Refusal(
      "wrong_role",
      `"${peer.name}" was dialled as ${dialled.role}, its certificate says ${peer.role}`,
    );
  }
  return { hello, peer, version };
}

function freshNonce(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(nonceBytes));
}

async function checkPeer(authority: Authority, certDer: Uint8Array): Promise<PeerCertificate> {
  try {
    return await verifyPeerCertificate(authority, certDer, Date.now());
  } catch (thrown) {
    if (thrown instanceof CertificateError) throw new Refusal(thrown.fault, thrown.message);
    throw thrown;
  }
}

/** Which roles may link: participants with each other and with a coordinator. */
function checkPair(identity: Identity, peer: PeerCertificate): void {
  if (peer.name === identity.name) {
    throw new Refusal("wrong_name", `"${peer.name}" is this node's own name`);
  }
  if (peer.role === "coordinator" && identity.role === "coordinator") {
    throw new Refusal(
      "wrong_role",
      `"${peer.name}" and "${identity.name}" are both coordinators, which have nothing to say to ` +
        "each other",
    );
  }
}

/** What a peer says of itself, if its voucher is its own and the node has nothing against it. */
function checkGreeting(
  { identity, host }: Party,
  peer: PeerCertificate,
  certificate: Uint8Array,
  { voucher, ...greeting }: SentGreeting,
): Greeted {
  try {
    verifyVoucher(identity, peer, voucher);
  } catch (thrown) {
    if (thrown instanceof CertificateError) throw new Refusal(thrown.fault, thrown.message);
    throw thrown;
  }
  const introductionBytes = certificate.length + voucher.length;
  if (introductionBytes > introductionBytesMax) {
    throw new Refusal(
      "objection",
      `the certificate of "${peer.name}" and its voucher take ${introductionBytes} bytes, more ` +
        `than the ${introductionBytesMax} in which nodes are introduced to others: name fewer hosts in it`,
    );
  }
  const reason = host.objection(peer.name, peer.role, greeting);
  if (reason !== undefined) throw new Refusal("objection", reason);
  return { ...greeting, introduction: { certificate, voucher } };
}

async function say(connection: Connection, message: HandshakeMessage): Promise<void> {
  await connection.write(encodeFrame(encodeMessage(message)));
}

/**
 * The next message, which must be of the type that is due. `proven` says whether both ends have
 * proven themselves: only then does a refusal for amnesia count.
 */
async function hear<T extends HandshakeMessage["type"]>(
  connection: Connection,
  due: T,
  versions: readonly number[],
  proven: boolean,
): Promise<Extract<HandshakeMessage, { type: T }>> {
  let frame = connection.frames.next();
  while (frame === undefined) {
    if (!await connection.frames.fill()) {
      throw new ConnectionEnded(`the other end closed before its "${due}"`);
    }
    frame = connection.frames.next();
  }
  if (frame.kind === frameKinds.refuse) {
    const { code, message } = decodeRefuse(frame.body);
    throw new PeerRefusal(code, message, proven, due !== "hello");
  }
  if (frame.kind !== frameKinds.handshake) {
    throw new Refusal("garbage", `"${due}" was due, a frame of kind ${frame.kind} came`);
  }
  return decodeMessage(frame.body, due, versions);
}
