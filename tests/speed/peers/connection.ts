/** TCP to a server of this machine, by bytes: what is sent while a write is under way follows in order. */

export interface Receiver {
  /** The bytes are overwritten once this returns. */
  received(bytes: Uint8Array): void;
  /** Once, at the end, whoever closed it. */
  ended(error: Error): void;
}

const readBytes = 256 * 1024;

export class Connection {
  readonly #conn: Deno.TcpConn;
  readonly #receiver: Receiver;
  readonly #outbox: Uint8Array[] = [];
  #isWriting = false;
  #hasEnded = false;

  private constructor(conn: Deno.TcpConn, receiver: Receiver) {
    this.#conn = conn;
    this.#receiver = receiver;
    this.#read();
  }

  static async open(port: number, receiver: Receiver): Promise<Connection> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    conn.setNoDelay(true);
    return new Connection(conn, receiver);
  }

  send(bytes: Uint8Array): void {
    this.#outbox.push(bytes);
    if (!this.#isWriting) this.#write();
  }

  close(): void {
    this.#end(new Error("the connection was closed"));
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(readBytes);
    try {
      for (;;) {
        const count = await this.#conn.read(buffer);
        if (count === null) throw new Error("the server closed the connection");
        this.#receiver.received(buffer.subarray(0, count));
      }
    } catch (error) {
      this.#end(error as Error);
    }
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    try {
      for (let bytes = this.#outbox.shift(); bytes; bytes = this.#outbox.shift()) {
        let at = 0;
        while (at < bytes.length) at += await this.#conn.write(bytes.subarray(at));
      }
    } catch (error) {
      this.#end(error as Error);
    }
    this.#isWriting = false;
  }

  #end(error: Error): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#conn.close();
    this.#receiver.ended(error);
  }
}
