/** Takes connections, and lets through those whose other end proves itself in time. */

import { type Endpoint, formatEndpoint } from "../endpoint.ts";
import { messageOf } from "../errors.ts";
import { Connection } from "./connection.ts";
import { type Party, type Proven, shakeAsListener } from "./handshake.ts";
import type { LinkLimits } from "./links.ts";
import { ConnectionEnded, failureLine, PeerRefusal, Refusal } from "./refusal.ts";

export interface AcceptorOptions {
  readonly party: Party;
  readonly limits: LinkLimits;
  /** Throws {@linkcode Refusal} if a peer of that name is linked, and answers. */
  expectUnheld(name: string): Promise<void>;
  /**
   * Frees the name of a link that does not answer. Throws {@linkcode Refusal} if another connection holds it.
   *
   * @param address where whoever wants it takes links
   */
  claim(name: string, address: string): Promise<void>;
  /** Takes over the connection. Called in the same turn in which the name was found free. */
  established(connection: Connection, proven: Proven): void;
  /** Sees a task through, and waits for it at the end. */
  spawn(task: Promise<void>): void;
}

export class Acceptor {
  readonly #options: AcceptorOptions;
  readonly #listener: Deno.TlsListener;
  /** Connections of ends that have not proven themselves, or that are being refused. */
  readonly #unproven = new Set<Connection>();
  /** Connections, closed or not, whose sockets are held as TLS does not stand. */
  readonly #unsecured = new Set<Connection>();
  #wake: (() => void) | undefined;
  #isClosed = false;
  #warnedMs = -Infinity;

  /** Listens from now on. Throws if it can't. */
  constructor(options: AcceptorOptions, at: Endpoint) {
    const { certPem, keyPem } = options.party.identity;
    this.#options = options;
    try {
      this.#listener = Deno.listenTls({ ...at, cert: certPem, key: keyPem });
    } catch (thrown) {
      throw new Error(`Cannot listen on "${formatEndpoint(at)}": ${messageOf(thrown)}`, {
        cause: thrown,
      });
    }
    options.spawn(this.#accept());
  }

  get address(): Endpoint {
    const { hostname, port } = this.#listener.addr;
    return { hostname, port };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener.close();
    for (const connection of this.#unproven) connection.close();
    for (const connection of this.#unsecured) connection.abandon();
    this.#wake?.();
  }

  async #accept(): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#room();
        const conn = await this.#listener.accept();
        this.#admit(new Connection(conn, formatEndpoint(conn.remoteAddr)));
      } catch (thrown) {
        if (this.#isClosed) return;
        // Out of file descriptors, or a connection that was gone at once: neither ends the listening.
        this.#options.party.host.log("warn", `cannot accept a connection: ${messageOf(thrown)}`);
        await new Promise((resolve) => setTimeout(resolve, acceptPauseMs));
      }
    }
  }

  /** Else whoever connects and says nothing could take all of the process's file descriptors. */
  async #room(): Promise<void> {
    const { unsecuredMax } = this.#options.limits;
    if (this.#unsecured.size < unsecuredMax) return;
    this.#warn(`${unsecuredMax} connections have not begun TLS: no other is taken until one ends`);
    await new Promise<void>((resolve) => this.#wake = resolve);
  }

  async #hold(connection: Connection): Promise<void> {
    this.#unsecured.add(connection);
    await connection.settled();
    this.#unsecured.delete(connection);
    this.#wake?.();
  }

  #admit(connection: Connection): void {
    const { limits: { handshakesMax }, spawn } = this.#options;
    spawn(this.#hold(connection));
    if (this.#unproven.size < handshakesMax) return spawn(this.#handshake(connection));
    // Nothing is said, and nothing of this node's waits for it.
    connection.close();
    const why = `${handshakesMax} connections have yet to prove who they are`;
    this.#warn(failureLine(new Refusal("too_many", why), connection.remote));
  }

  #warn(line: string): void {
    if (performance.now() - this.#warnedMs < warningMs) return;
    this.#warnedMs = performance.now();
    this.#options.party.host.log("warn", line);
  }

  async #handshake(connection: Connection): Promise<void> {
    const { party, limits, expectUnheld, claim, established } = this.#options;
    const { handshakeTimeoutMs, lingerMsMax } = limits;
    this.#unproven.add(connection);
    let other = connection.remote;
    let isProven = false;
    let late: Refusal | undefined;
    const timer = setTimeout(() => {
      late = new Refusal(
        "handshake_timeout",
        `it did not prove itself within ${handshakeTimeoutMs} ms`,
      );
      // What the handshake waits for now fails.
      connection.refuse(late, lingerMsMax);
    }, handshakeTimeoutMs);
    try {
      await connection.secure();
      const proven = await shakeAsListener(connection, party, async (name) => {
        other = `"${name}" at ${connection.remote}`;
        isProven = true;
        // Of two nodes with one name the second has another log. It is told what is wrong before that.
        await expectUnheld(name);
      });
      clearTimeout(timer);
      await claim(proven.name, proven.greeting.address);
      if (late !== undefined) throw late;
      this.#unproven.delete(connection);
      established(connection, proven);
    } catch (thrown) {
      if (!this.#isClosed) await this.#fail(connection, other, isProven, late ?? thrown);
    } finally {
      clearTimeout(timer);
      this.#unproven.delete(connection);
    }
  }

  async #fail(
    connection: Connection,
    other: string,
    isProven: boolean,
    thrown: unknown,
  ): Promise<void> {
    const { host } = this.#options.party;
    // Gone before it said who it is, in TLS or after it: somebody has looked whether this node takes
    // connections.
    const isLook = thrown instanceof Deno.errors.UnexpectedEof ||
      (thrown instanceof ConnectionEnded && !isProven);
    const isFault = !isLook && !(thrown instanceof Refusal && !thrown.isFault);
    host.log(isFault ? "warn" : "info", failureLine(thrown, other));
    if (thrown instanceof Refusal) {
      await connection.refuse(thrown, this.#options.limits.lingerMsMax);
    }
    connection.close();
    if (thrown instanceof PeerRefusal && thrown.proven && thrown.code === "amnesia") {
      host.amnesia(thrown.message);
    }
  }
}

const acceptPauseMs = 100;
/** Of connections past a bound, however many, one line is written in this time. */
const warningMs = 1_000;
