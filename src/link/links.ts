/** All links of one node: it listens, dials, refuses, and carries payloads that it does not read. */

import type { Endpoint } from "../endpoint.ts";
import { invariant, messageOf, UsageError } from "../errors.ts";
import { parseCertificate } from "../keys/certificate.ts";
import type { Identity } from "../keys/identity.ts";
import * as limits from "../limits.ts";
import { isName, type Role } from "../names.ts";
import { Acceptor } from "./acceptor.ts";
import type { Connection } from "./connection.ts";
import { Dialer } from "./dialer.ts";
import { payloadBytesMax } from "./frame.ts";
import { type Party, type Proven, welcomeFrame } from "./handshake.ts";
import type { LinkHost, LinkLayer } from "./host.ts";
import { Link } from "./link.ts";
import { Refusal } from "./refusal.ts";

const limitsDefault = {
  handshakeTimeoutMs: limits.handshakeTimeoutMs,
  handshakesMax: limits.handshakesMax,
  unsecuredMax: limits.unsecuredMax,
  heartbeatIntervalMs: limits.heartbeatIntervalMs,
  silenceMsMax: limits.silenceMsMax,
  holderAnswerMsMax: limits.holderAnswerMsMax,
  reconnectMsMin: limits.reconnectMsMin,
  reconnectMsMax: limits.reconnectMsMax,
  linkQueueBytesMax: limits.linkQueueBytesMax,
  lingerMsMax: limits.lingerMsMax,
};

/** Those bounds of `limits.ts` that tests shorten. */
export type LinkLimits = Readonly<Record<keyof typeof limitsDefault, number>>;

export interface LinksOptions {
  readonly identity: Identity;
  readonly host: LinkHost;
  /** Default: those of `limits.ts`. */
  readonly limits?: Partial<LinkLimits>;
}

interface Established {
  readonly link: Link;
  readonly over: Promise<void>;
  /** Whether this node dialled. */
  readonly isDialer: boolean;
  /** Where its peer says that it takes links. */
  readonly address: string;
}

/**
 * What the host is told, for each link: `linkUp` once, then `received` any number of times, then
 * `linkDown` once. Nothing of it is called from within {@linkcode Links.send} or
 * {@linkcode Links.closeLink}. A payload received may be kept, but it keeps up to 64 KiB with it.
 */
export class Links implements LinkLayer {
  readonly #party: Party;
  readonly #limits: LinkLimits;
  readonly #links = new Map<string, Established>();
  readonly #dialers = new Map<string, Dialer>();
  readonly #tasks = new Set<Promise<void>>();
  #acceptor: Acceptor | undefined;
  #isClosed = false;

  constructor({ identity, host, limits }: LinksOptions) {
    this.#party = { identity, host };
    this.#limits = { ...limitsDefault, ...limits };
  }

  /** Takes links at an address, once; port 0 chooses one. Returns where. Throws if it can't. */
  listen(at: Endpoint): Endpoint {
    invariant(this.#acceptor === undefined, "a node listens for links once");
    this.#acceptor = new Acceptor({
      party: this.#party,
      limits: this.#limits,
      expectUnheld: (name) => this.#expectUnheld(name),
      claim: (name, address) => this.#claim(name, address),
      established: (connection, proven) => this.#spawn(this.#carry(connection, proven, false)),
      spawn: (task) => this.#spawn(task),
    }, at);
    return this.#acceptor.address;
  }

  /**
   * Links to a peer at `HOST:PORT` and again whenever the link is lost, until {@linkcode Links.close}
   * or until the host is told that it is refused for good. Called again it changes the address.
   */
  dial(name: string, role: Role, address: string): void {
    if (name === this.#party.identity.name) {
      throw new UsageError(`Cannot dial "${name}" at ${address}: that is this node's own name`);
    }
    if (!isName(name) || name.endsWith("-")) {
      throw new UsageError(
        `Cannot dial ${JSON.stringify(name)} at ${address}: no node has such a name`,
      );
    }
    if (this.#isClosed) return;
    const existing = this.#dialers.get(name);
    if (existing !== undefined) {
      existing.address = address;
      return;
    }
    const dialer = new Dialer({
      party: this.#party,
      limits: this.#limits,
      name,
      role,
      address,
      isLinked: () => this.#links.has(name),
      unlinked: async () => await this.#links.get(name)?.over,
      established: (connection, proven) => this.#seen(this.#carry(connection, proven, true)),
    });
    this.#dialers.set(name, dialer);
    this.#spawn(
      dialer.run().finally(() => {
        // Hung up and dialled again, the name has another by now.
        if (this.#dialers.get(name) === dialer) this.#dialers.delete(name);
      }),
    );
  }

  /** Dials a peer no more, and closes the link if this node had dialled it. */
  hangUp(name: string): void {
    const dialer = this.#dialers.get(name);
    if (dialer === undefined) return;
    this.#dialers.delete(name);
    dialer.stop();
    const held = this.#links.get(name);
    if (held?.isDialer) this.#spawn(held.link.finish("this node has nothing more to ask"));
  }

  /** Tries all those now who are dialled and wait for their next turn. */
  hurry(): void {
    for (const dialer of this.#dialers.values()) dialer.hurry();
  }

  /**
   * Queues a payload of at most {@linkcode payloadBytesMax} bytes, which must not be changed
   * afterwards. False if there is no link: then it is not sent. All that is queued in one turn of the
   * event loop leaves in as few writes as its size allows.
   */
  send(peer: string, payload: Uint8Array): boolean {
    invariant(
      payload.length <= payloadBytesMax,
      `a payload of ${payload.length} bytes fits no frame`,
    );
    return this.#links.get(peer)?.link.send(payload) ?? false;
  }

  /** Closes the link to a peer, if there is one, at once. A peer that is dialled is dialled again. */
  closeLink(peer: string, reason = "this node closed it"): void {
    this.#links.get(peer)?.link.close(reason);
  }

  /** Ends everything; what is queued is written first, for at most `lingerMsMax`. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#acceptor?.close();
    for (const dialer of this.#dialers.values()) dialer.stop();
    for (const { link } of this.#links.values()) this.#spawn(link.finish("this node stops"));
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }

  /** Carries a link from its first payload to its last. Its name is free. */
  async #carry(connection: Connection, proven: Proven, isDialer: boolean): Promise<void> {
    const { name, role, greeting, version } = proven;
    const { host, identity: { revocations } } = this.#party;
    const certificate = parseCertificate(greeting.introduction.certificate);
    // The CA's list may have come while it was proving itself.
    if (revocations.revokedMs(certificate) !== undefined) return connection.close();
    // While this node dialled the peer, the peer may have dialled this node and been faster.
    if (this.#isClosed || this.#links.has(name)) return connection.close();
    const link = new Link({
      connection,
      isDialer,
      limits: this.#limits,
      received: (payload) => host.received(name, payload),
      log: (line) => host.log("warn", `link with "${name}": ${line}`),
    });
    if (!isDialer) link.sendFirst(welcomeFrame(version));
    const { promise: over, resolve } = Promise.withResolvers<void>();
    this.#links.set(name, { link, over, isDialer, address: greeting.address });
    try {
      host.linkUp(name, role, greeting);
      const reason = await link.run();
      this.#links.delete(name);
      host.linkDown(name, reason);
    } finally {
      link.close("it failed");
      this.#links.delete(name);
      resolve();
    }
  }

  /** Nothing is freed yet: whoever wants the name may be refused for something else. */
  async #expectUnheld(name: string): Promise<void> {
    const held = this.#links.get(name);
    // Whether it is the one that this node has dialled itself is told only by its address.
    if (held === undefined || held.isDialer) return;
    if (await held.link.answers(this.#limits.holderAnswerMsMax)) throw nameInUse(name);
  }

  /**
   * Frees a name that another connection has proven, unless the holder still answers. A node that
   * lost its power comes back at once that way, and a second node of one name does not get in.
   */
  async #claim(name: string, address: string): Promise<void> {
    const { holderAnswerMsMax } = this.#limits;
    for (let held = this.#links.get(name); held !== undefined; held = this.#links.get(name)) {
      if (await held.link.answers(holderAnswerMsMax)) {
        if (!held.isDialer || held.address !== address) throw nameInUse(name);
        // Both dialled in the same moment, and this node was faster: that is no second node.
        const own = this.#party.identity.name;
        const why = `the link that "${own}" dialled to it is up already`;
        throw new Refusal("name_in_use", why, false);
      }
      held.link.close(
        `its holder did not answer within ${holderAnswerMsMax} ms, another took over`,
      );
      await held.over;
    }
  }

  #spawn(task: Promise<void>): void {
    const seen = this.#seen(task).finally(() => this.#tasks.delete(seen));
    this.#tasks.add(seen);
  }

  /** A task that throws is a bug of this node or of its host: it must not pass unseen. */
  #seen(task: Promise<void>): Promise<void> {
    return task.catch((thrown) => {
      const what = thrown instanceof Error ? thrown.stack ?? thrown.message : messageOf(thrown);
      this.#party.host.log("error", `links failed: ${what}`);
    });
  }
}

function nameInUse(name: string): Refusal {
  return new Refusal(
    "name_in_use",
    `another node is linked as "${name}" and answers: stop that one first`,
  );
}
