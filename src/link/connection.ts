/** One TLS connection and the frames on it, from its first byte until it is closed. */

import { formatEndpoint, parseDialable } from "../endpoint.ts";
import { encodeFrame, FrameReader } from "./frame.ts";
import { encodeRefuse, type RefuseMessage } from "./message.ts";
import { ConnectionEnded, endOf } from "./refusal.ts";

export class Connection {
  readonly frames: FrameReader;
  #reading: Promise<number | null> | undefined;
  #handshaking: Promise<unknown> | undefined;
  #isSecure = false;
  /** Whether somebody waits for the socket to be freed. */
  #isHeld = false;
  readonly #closing = Promise.withResolvers<never>();
  #ending: Promise<void> | undefined;
  #isClosed = false;

  /** `remote` is the other end's address, for messages. */
  constructor(private readonly conn: Deno.TlsConn, readonly remote: string) {
    this.frames = new FrameReader((into) => this.#readFrames(into));
    // Mostly nobody waits for it.
    this.#closing.promise.catch(() => {});
  }

  /** To whoever is `name` at `HOST:PORT`, of the network of that CA. TLS does not stand yet. */
  static async dial(
    address: string,
    name: string,
    caPem: string,
    signal: AbortSignal,
  ): Promise<Connection> {
    const at = parseDialable(address);
    if (at === undefined) {
      throw new TypeError(`${JSON.stringify(address)} is no HOST:PORT to dial`);
    }
    const tcp = await Deno.connect({ ...at, signal });
    // With Nagle's algorithm on, a small write waits up to 44 ms for the other end's delayed
    // acknowledgement of the one before. Only this end can turn it off, and only before TLS.
    tcp.setNoDelay(true);
    const tls = await Deno.startTls(tcp, { hostname: name, caCerts: [caPem] });
    return new Connection(tls, formatEndpoint(at));
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The TLS handshake. Rejects with what TLS has to say of the other end. */
  async secure(): Promise<void> {
    await Promise.race([this.#handshake(), this.#closing.promise]);
    this.#isSecure = true;
  }

  /**
   * Resolves once TLS stands, or the socket is freed because it never will. Before TLS stands, Deno 2.7 and
   * 2.9 keep the socket of a connection that is closed, out of reach, until the other end finishes the
   * handshake or goes; and when that is, only the handshake tells, of a connection that is not closed.
   */
  async settled(): Promise<void> {
    this.#isHeld = true;
    await this.#handshake().catch(() => {});
    if (this.#isHeld && this.#isClosed) this.conn.close();
    this.#isHeld = false;
  }

  #handshake(): Promise<unknown> {
    return this.#handshaking ??= this.conn.handshake();
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length;) {
      offset += await this.conn.write(bytes.subarray(offset));
    }
  }

  /** Tells the other end why it is refused and closes. Never rejects. */
  async refuse(refusal: RefuseMessage, lingerMs: number): Promise<void> {
    await this.#closeAfter(lingerMs, async () => {
      await this.write(encodeFrame(encodeRefuse(refusal)));
      await this.#finish();
    });
  }

  /** Nothing more is written; closes once the other end has closed too. Never rejects. */
  async end(lingerMs: number): Promise<void> {
    await this.#closeAfter(lingerMs, () => this.#finish());
  }

  /**
   * At once. What is under way rejects, but Deno 2.7 leaves a blocked write to the operating system; and
   * before TLS stands see {@linkcode Connection.settled}.
   */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closing.reject(new ConnectionEnded("the connection was closed here"));
    if (!this.#isHeld) this.conn.close();
  }

  /** Closes it without regard to who waits for its socket: this end is about to stop. */
  abandon(): void {
    const isHeld = this.#isHeld;
    this.#isHeld = false;
    if (!this.#isClosed) this.close();
    else if (isHeld) this.conn.close();
  }

  /**
   * Reads what still comes until the other end closes. Closing with bytes unread would reset the
   * connection, and the other end might lose the reason it was just told.
   */
  async #finish(): Promise<void> {
    await this.conn.closeWrite();
    const waste = new Uint8Array(4096);
    while (await (this.#reading ?? this.#read(waste)) !== null);
  }

  async #closeAfter(lingerMs: number, last: () => Promise<void>): Promise<void> {
    // Before TLS stands nothing can be told.
    if (!this.#isSecure) this.close();
    if (!this.#isClosed) this.#ending ??= this.#lastWords(lingerMs, last);
    await this.#ending;
  }

  async #lastWords(lingerMs: number, last: () => Promise<void>): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    // A write that Deno 2.7 leaves blocked must not keep its caller: the time counts alone.
    const timeUp = new Promise<void>((resolve) => timer = setTimeout(resolve, lingerMs));
    // An error means that the other end is gone: there is nobody left to tell.
    await Promise.race([last().catch(() => {}), timeUp]);
    clearTimeout(timer);
    this.close();
  }

  /** Once the connection is ending, what still comes is for {@linkcode Connection.#finish} alone. */
  async #readFrames(into: Uint8Array): Promise<number | null> {
    if (this.#ending !== undefined) throw new ConnectionEnded("the connection was closed here");
    return await this.#read(into);
  }

  async #read(into: Uint8Array): Promise<number | null> {
    const reading = this.conn.read(into);
    this.#reading = reading;
    try {
      return await reading;
    } catch (thrown) {
      // A connection that is reset, closed here or cut off without TLS's goodbye is over all the same.
      throw new ConnectionEnded(`the connection was lost (${endOf(thrown)})`);
    } finally {
      this.#reading = undefined;
    }
  }
}
