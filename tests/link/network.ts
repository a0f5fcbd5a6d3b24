/** Real certificates, recording hosts and hand-made ends of connections for the tests of links. */

import { assert } from "@std/assert";
import { type Identity, loadIdentity } from "../../src/keys/identity.ts";
import { initCertificates } from "../../src/keys/init.ts";
import { nonceBytes, type ProofSubject, signProof } from "../../src/keys/proof.ts";
import { fingerprint } from "../../src/keys/certificate.ts";
import { encodeFrame, type Frame, frameKinds, FrameReader } from "../../src/link/frame.ts";
import type { Greeted, Greeting, LinkHost, Seen } from "../../src/link/host.ts";
import type { VectorClock } from "../../src/protocol/vector_clock.ts";
import { type LinkLimits, Links } from "../../src/link/links.ts";
import {
  decodeMessage,
  decodeRefuse,
  encodeMessage,
  type Hello,
  linkVersions,
} from "../../src/link/message.ts";
import type { Role } from "../../src/names.ts";

export interface Network {
  readonly coordinator: Identity;
  /** Another coordinator of the same network. */
  readonly second: Identity;
  readonly alice: Identity;
  readonly bob: Identity;
  /** Alice, with a certificate that has expired. */
  readonly late: Identity;
  /** Alice, with a certificate that names many hosts. */
  readonly long: Identity;
}

export async function makeNetwork(): Promise<Network> {
  const dir = await Deno.makeTempDir();
  const dayMs = 24 * 60 * 60_000;
  await initCertificates({ dir, nodes: ["coordinator", "alice", "bob"] });
  await initCertificates({ dir, nodes: ["second"], coordinator: "second" });
  const load = (name: string, nowMs?: number) => loadIdentity({ certs: dir, name, nowMs });
  const network = {
    coordinator: await load("coordinator"),
    second: await load("second"),
    alice: await load("alice"),
    bob: await load("bob"),
  };
  await initCertificates({ dir, nodes: ["alice"], validityDays: -1, force: true });
  const late = await load("alice", Date.now() - dayMs - 60_000);
  const hosts = Array.from({ length: 60 }, (_, i) => `host-${i}.warehouse.example.org`);
  await initCertificates({ dir, nodes: ["alice"], hosts, force: true });
  const long = await load("alice");
  await Deno.remove(dir, { recursive: true });
  return { ...network, late, long };
}

/** Remembers what links tell a node. */
export class RecordingHost implements LinkHost {
  readonly lines: string[] = [];
  /** Of those lines. */
  readonly levels: string[] = [];
  /** `up`, `down`, `got`, `refused`, `forgot` and `amnesia`, in order. */
  readonly events: string[] = [];
  readonly payloads: Uint8Array[] = [];
  readonly seen = new Map<string, Seen>();
  readonly entries = new Map<number, Uint8Array>();
  ownGreeting: Greeting = { address: "127.0.0.1:1", clock: new Map([["alice", 3]]) };
  onUp: (peer: string) => void = () => {};
  onReceived: (peer: string, payload: Uint8Array) => void = () => {};
  objects: (peer: string, greeting: Greeting) => string | undefined = () => undefined;
  greetings = new Map<string, Greeted>();

  seenOf(peer: string): Seen | undefined {
    return this.seen.get(peer);
  }
  entryHash(number: number): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.entries.get(number));
  }
  greeting(): Greeting {
    return this.ownGreeting;
  }
  objection(peer: string, _role: Role, greeting: Greeting): string | undefined {
    return this.objects(peer, greeting);
  }
  linkUp(peer: string, role: Role, greeting: Greeted): void {
    this.events.push(`up ${peer} ${role}`);
    this.greetings.set(peer, greeting);
    this.onUp(peer);
  }
  linkDown(peer: string, reason: string): void {
    this.events.push(`down ${peer}: ${reason}`);
  }
  received(peer: string, payload: Uint8Array): boolean {
    this.payloads.push(payload);
    this.onReceived(peer, payload);
    return false;
  }
  forgot(peer: string, clock: VectorClock): void {
    this.events.push(`forgot ${peer} ${JSON.stringify([...clock])}`);
  }
  amnesia(detail: string): void {
    this.events.push(`amnesia ${detail}`);
  }
  refused(peer: string, code: string, message: string): void {
    this.events.push(`refused ${peer} ${code}: ${message}`);
  }
  log(level: string, line: string): void {
    this.levels.push(level);
    this.lines.push(line);
  }

  async line(part: string): Promise<string> {
    return await found(() => this.lines.find((line) => line.includes(part)), part, this.lines);
  }
  async event(part: string): Promise<string> {
    return await found(() => this.events.find((event) => event.includes(part)), part, this.events);
  }
}

/** Waits until `look` finds something. */
export async function found<T>(
  look: () => T | undefined,
  what: string,
  among: readonly unknown[] = [],
): Promise<T> {
  for (let waitedMs = 0; waitedMs < 4_000; waitedMs += 5) {
    const value = look();
    if (value !== undefined) return value;
    await pause(5);
  }
  throw new Error(`never came: ${what}; only: ${JSON.stringify(among)}`);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Short enough for tests, long enough for a busy machine. */
export const shortLimits: Partial<LinkLimits> = {
  reconnectMsMin: 10,
  reconnectMsMax: 50,
  lingerMsMax: 200,
};

export interface End {
  readonly host: RecordingHost;
  readonly links: Links;
  /** Empty unless it listens. */
  readonly address: string;
}

const closeMsMax = 5_000;

/** Runs `body` with a listener and dialers, and closes them all. */
export async function withEnds(
  body: (make: (identity: Identity, options?: EndOptions) => End) => Promise<void>,
): Promise<void> {
  const ends: End[] = [];
  try {
    await body((identity, options = {}) => {
      const host = options.host ?? new RecordingHost();
      const links = new Links({ identity, host, limits: { ...shortLimits, ...options.limits } });
      const at = options.listen === undefined
        ? undefined
        : links.listen({ hostname: "127.0.0.1", port: options.listen });
      const end = { host, links, address: at === undefined ? "" : `127.0.0.1:${at.port}` };
      ends.push(end);
      return end;
    });
  } finally {
    // Links that do not end must not hide why the test failed; left behind, they fail it, too.
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, closeMsMax);
    await Promise.race([late, Promise.all(ends.map((end) => end.links.close()))]);
    clearTimeout(timer);
  }
}

export interface EndOptions {
  /** Port to listen on; 0 for any. */
  readonly listen?: number;
  readonly limits?: Partial<LinkLimits>;
  readonly host?: RecordingHost;
}

/** One end of a TLS connection, made by hand so that it can misbehave. */
export class RawEnd {
  readonly frames: FrameReader;

  constructor(readonly conn: Deno.TlsConn) {
    this.frames = new FrameReader((into) => conn.read(into));
    this.frames.bytesMax = 16 * 1024;
  }

  /** Dials as a client that trusts `trusted`'s CA. */
  static async dial(address: string, name: string, trusted: Identity): Promise<RawEnd> {
    const port = Number(address.split(":")[1]);
    const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
    return new RawEnd(await Deno.startTls(tcp, { hostname: name, caCerts: [trusted.caPem] }));
  }

  async write(frame: Frame): Promise<void> {
    await this.conn.write(encodeFrame(frame));
  }

  /** The next frame, or nothing at the end of the connection. */
  async frame(): Promise<Frame | undefined> {
    let frame = this.frames.next();
    while (frame === undefined) {
      if (!await this.frames.fill()) return undefined;
      frame = this.frames.next();
    }
    return frame;
  }

  async hello(): Promise<Hello> {
    const frame = await this.frame();
    assert(frame !== undefined, "the listener closed before its hello");
    return decodeMessage(frame.body, "hello", [1]);
  }

  /** Proves to be `identity`; `change` may spoil it. */
  async prove(identity: Identity, listener: Identity, hello: Hello, change = {}): Promise<Frame> {
    const nonce = crypto.getRandomValues(new Uint8Array(nonceBytes));
    const subject: ProofSubject = {
      version: linkVersions[0]!,
      dialer: { name: identity.name, role: identity.role, nonce },
      listener: { name: listener.name, role: listener.role, nonce: hello.nonce },
      listenerFingerprint: fingerprint(hello.certificate),
    };
    const frame = encodeMessage({
      type: "prove",
      protocol: linkVersions[0]!,
      name: identity.name,
      role: identity.role,
      certificate: identity.certDer,
      nonce,
      signature: signProof(subject, identity.privateKey),
      asks: 0,
      ...change,
    });
    await this.write(frame);
    return frame;
  }

  /** The whole handshake as a dialer that has seen nothing. */
  async link(identity: Identity, listener: Identity, shows?: Uint8Array): Promise<void> {
    await this.prove(identity, listener, await this.hello());
    assert((await this.frame())?.kind === frameKinds.handshake);
    const greeting = { address: "127.0.0.1:1", clock: new Map(), voucher: identity.voucher };
    await this.write(
      encodeMessage({ type: "show", protocol: linkVersions[0]!, shows, greeting }),
    );
    assert((await this.frame())?.kind === frameKinds.handshake);
  }

  /** The refusal that ends the connection. */
  async refusal(): Promise<string> {
    for (let frame = await this.frame(); frame !== undefined; frame = await this.frame()) {
      if (frame.kind !== frameKinds.refuse) continue;
      const { code, message } = decodeRefuse(frame.body);
      assert(await this.frame() === undefined, "the connection stays open");
      return `${code}: ${message}`;
    }
    throw new Error("the connection was closed without a refusal");
  }
}
