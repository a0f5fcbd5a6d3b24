/** Keeps one peer linked: dials, and dials again with longer and longer pauses. */

import type { Role } from "../names.ts";
import type { Connection } from "./connection.ts";
import { type Party, type Proven, shakeAsDialer } from "./handshake.ts";
import type { LinkLimits } from "./links.ts";
import { reach } from "./reach.ts";
import {
  certificateRefused,
  dialFailureLine,
  isFinalByDialer,
  isFinalByListener,
  PeerRefusal,
  Refusal,
} from "./refusal.ts";

export interface DialerOptions {
  readonly party: Party;
  readonly limits: LinkLimits;
  readonly name: string;
  readonly role: Role;
  /** `HOST:PORT` */
  readonly address: string;
  /** Whether a link to that name is up, which came while this one was being made. */
  isLinked(): boolean;
  /** Resolves once no link to that name is up, at once if there is none. */
  unlinked(): Promise<void>;
  /** Takes over the connection; resolves when its link is over. */
  established(connection: Connection, proven: Proven): Promise<void>;
}

export class Dialer {
  readonly #options: DialerOptions;
  #address: string;
  #isStopped = false;
  /** Failures in a row, for the pause before the next attempt. */
  #failures = 0;
  /** The same failure again writes no second line. */
  #lastLine: string | undefined;
  #cancelAttempt: (() => void) | undefined;
  #endPause: (() => void) | undefined;

  constructor(options: DialerOptions) {
    this.#options = options;
    this.#address = options.address;
  }

  /** Another address is tried at once. */
  set address(address: string) {
    if (address === this.#address) return;
    this.#address = address;
    this.hurry();
  }

  /** The next attempt is made at once. */
  hurry(): void {
    this.#failures = 0;
    this.#endPause?.();
  }

  /** A link that is up stays up. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelAttempt?.();
    this.#endPause?.();
  }

  /** Until it is stopped, or refused for good. */
  async run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#options.unlinked();
      if (this.#isStopped) return;
      const startedMs = performance.now();
      let made;
      try {
        made = await this.#attempt();
      } catch (thrown) {
        if (this.#isStopped || this.#gaveUp(thrown)) return;
      }
      if (made) {
        this.#lastLine = undefined;
        await this.#options.established(made.connection, made.proven);
      }
      // A link that breaks as soon as it is up must not be tried in a tight loop either.
      const lasted = performance.now() - startedMs > this.#options.limits.reconnectMsMax;
      this.#failures = lasted ? 0 : this.#failures + 1;
      await this.#pause();
    }
  }

  async #attempt(): Promise<{ connection: Connection; proven: Proven }> {
    const { party, name, limits: { handshakeTimeoutMs, lingerMsMax } } = this.#options;
    const other = `"${name}" at ${this.#address}`;
    const aborter = new AbortController();
    let connection: Connection | undefined;
    let late: Refusal | undefined;
    this.#cancelAttempt = () => {
      aborter.abort();
      connection?.close();
    };
    const timer = setTimeout(() => {
      late = new Refusal("handshake_timeout", `no link within ${handshakeTimeoutMs} ms`);
      this.#cancelAttempt?.();
    }, handshakeTimeoutMs);
    try {
      const { identity } = party;
      const reached = await reach({
        dialled: this.#options,
        address: this.#address,
        authority: identity,
        caPem: identity.caPem,
        signal: aborter.signal,
        opened: (made) => connection = made,
      });
      const proven = await shakeAsDialer(reached.connection, party, reached);
      if (late !== undefined) throw late;
      return { connection: reached.connection, proven };
    } catch (thrown) {
      const failure = late ?? thrown;
      if (!this.#isStopped) this.#logFailure(failure, other);
      if (failure instanceof Refusal) await connection?.refuse(failure, lingerMsMax);
      connection?.close();
      throw failure;
    } finally {
      clearTimeout(timer);
      this.#cancelAttempt = undefined;
    }
  }

  #logFailure(thrown: unknown, other: string): void {
    const line = dialFailureLine(thrown, other);
    if (line === this.#lastLine) return;
    this.#lastLine = line;
    const { isLinked, party: { host } } = this.#options;
    // Both dialled in the same moment, and the peer was faster: nobody else has this node's name.
    const isFault = !(thrown instanceof PeerRefusal && thrown.code === "name_in_use" && isLinked());
    host.log(isFault ? "warn" : "info", line);
  }

  /** Whether dialling again can't help; the host is told. */
  #gaveUp(thrown: unknown): boolean {
    const { party: { host }, name } = this.#options;
    if (thrown instanceof PeerRefusal && thrown.code === "amnesia" && thrown.proven) {
      host.amnesia(thrown.message);
      return true;
    }
    // Anybody may say so who has a key of that name, also one that was revoked.
    if (thrown instanceof PeerRefusal && thrown.isMember && isFinalByListener(thrown.code)) {
      host.refused(name, thrown.code, thrown.message);
      return true;
    }
    if (thrown instanceof Refusal && isFinalByDialer(thrown.code)) {
      host.refused(name, thrown.code, thrown.message);
      return true;
    }
    // Whom this node has met may come again: somebody else who answers in between shall not end it.
    const isStranger = this.#options.role === "coordinator" && host.seenOf(name) === undefined;
    const refused = isStranger ? certificateRefused(thrown) : undefined;
    if (!refused) return false;
    host.refused(name, refused.code, refused.message);
    return true;
  }

  async #pause(): Promise<void> {
    if (this.#isStopped) return;
    const { reconnectMsMin, reconnectMsMax } = this.#options.limits;
    const pauseMs = Math.min(reconnectMsMin * 2 ** Math.max(0, this.#failures - 1), reconnectMsMax);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#endPause = resolve;
    // Jitter: nodes that lost their coordinator together do not come back together.
    const timer = setTimeout(resolve, pauseMs * (0.5 + Math.random() / 2));
    await promise;
    clearTimeout(timer);
    this.#endPause = undefined;
  }
}
