/** Transfers over three Redis: two of accounts, on which scripts prepare and end legs, one of decisions. */

import type { Audit, Ledger, Stores } from "./load.ts";
import { accounts, opening } from "./load.ts";
import type { Peer } from "./peer.ts";
import { RespClient } from "./resp.ts";
import { freePorts, Server } from "./servers.ts";

export const redis: Peer = { name: "redis-2pc", debianPackage: "redis-server", isInstalled, open };

const program = "redis-server";

/** By payment, what is held stands in a hash: the amount and the account. */
const prepare = `
  local account, payment, amount = KEYS[1], ARGV[1], ARGV[2]
  if tonumber(amount) < 0 then
    local balance = redis.call('GET', account)
    if not balance or balance + amount < 0 then return 0 end
    redis.call('INCRBY', account, amount)
  end
  redis.call('HSET', 'held', payment, amount .. ' ' .. account)
  return 1
`;

/** Of a debit nothing is left to do, as it was taken at first. */
const commit = `
  local leg = redis.call('HGET', 'held', ARGV[1])
  if not leg then return 0 end
  local space = string.find(leg, ' ')
  local amount = string.sub(leg, 1, space - 1)
  if tonumber(amount) > 0 then redis.call('INCRBY', string.sub(leg, space + 1), amount) end
  redis.call('HDEL', 'held', ARGV[1])
  return 1
`;

const abort = `
  local leg = redis.call('HGET', 'held', ARGV[1])
  if not leg then return 0 end
  local space = string.find(leg, ' ')
  local amount = string.sub(leg, 1, space - 1)
  if tonumber(amount) < 0 then redis.call('DECRBY', string.sub(leg, space + 1), amount) end
  redis.call('HDEL', 'held', ARGV[1])
  return 1
`;

const fill = `for i = 0, ARGV[1] - 1 do redis.call('SET', 'a:' .. i, ARGV[2]) end`;

const total = `
  local total = 0
  for i = 0, ARGV[1] - 1 do total = total + redis.call('GET', 'a:' .. i) end
  return total
`;

async function isInstalled(): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"] }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function open(folder: string, signal: AbortSignal): Promise<Stores> {
  await using started = new AsyncDisposableStack();
  const data = await Deno.makeTempDir({ dir: folder, prefix: "redis-" });
  started.defer(() => Deno.remove(data, { recursive: true }));
  const start = async (port: number) => {
    const dir = `${data}/${port}`;
    await Deno.mkdir(dir);
    const args = argsOf(port, dir);
    const server = started.use(new Server({ program, args, stopSignal: "SIGTERM" }));
    await server.ready(() => isReady(port), signal);
    const client = await RespClient.open(port);
    started.defer(() => client.close());
    return client;
  };
  const [left, right, decisions] = freePorts(3);
  const ledgers = [
    await RedisLedger.fill(await start(left!)),
    await RedisLedger.fill(await start(right!)),
  ] as const;
  const list = await start(decisions!);
  const owned = started.move();
  return {
    ledgers,
    decide: (payment) => list.command("RPUSH", "decisions", String(payment)),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function argsOf(port: number, dir: string): string[] {
  return [
    ["--bind", "127.0.0.1"],
    ["--port", String(port)],
    ["--dir", dir],
    // A reply leaves only when what it tells of is on disk.
    ["--appendonly", "yes"],
    ["--appendfsync", "always"],
    ["--auto-aof-rewrite-percentage", "0"],
    ["--save", ""],
    ["--loglevel", "warning"],
  ].flat();
}

async function isReady(port: number): Promise<boolean> {
  try {
    (await RespClient.open(port)).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}

class RedisLedger implements Ledger {
  readonly #client: RespClient;
  readonly #hashes: Readonly<Record<"prepare" | "commit" | "abort", string>>;

  private constructor(client: RespClient, hashes: Record<"prepare" | "commit" | "abort", string>) {
    this.#client = client;
    this.#hashes = hashes;
  }

  static async fill(client: RespClient): Promise<RedisLedger> {
    const load = async (script: string) => String(await client.command("SCRIPT", "LOAD", script));
    await client.command("EVAL", fill, "0", String(accounts), String(opening));
    return new RedisLedger(client, {
      prepare: await load(prepare),
      commit: await load(commit),
      abort: await load(abort),
    });
  }

  async prepare(payment: number, account: number, amount: number): Promise<boolean> {
    const words = ["1", `a:${account}`, String(payment), String(amount)];
    return await this.#client.command("EVALSHA", this.#hashes.prepare, ...words) === 1;
  }

  commit(payment: number): Promise<unknown> {
    return this.#client.command("EVALSHA", this.#hashes.commit, "0", String(payment));
  }

  abort(payment: number): Promise<unknown> {
    return this.#client.command("EVALSHA", this.#hashes.abort, "0", String(payment));
  }

  async audit(): Promise<Audit> {
    return {
      total: Number(await this.#client.command("EVAL", total, "0", String(accounts))),
      held: Number(await this.#client.command("HLEN", "held")),
    };
  }
}
