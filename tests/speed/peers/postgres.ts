/**
 * Transfers over three PostgreSQL: two of accounts, with a table of what is held, and one of decisions. What
 * is asked of a store while it is busy goes to it as one call.
 */

import { Batches } from "./batches.ts";
import schema from "./holds.sql" with { type: "text" };
import type { Audit, Ledger, Stores } from "./load.ts";
import { accounts, opening } from "./load.ts";
import type { Peer } from "./peer.ts";
import { PostgresClient } from "./postgres_wire.ts";
import type { User } from "./servers.ts";
import { freePorts, programOptions, Server } from "./servers.ts";

export const postgres: Peer = {
  name: "pg-holds",
  debianPackage: "postgresql",
  isInstalled: async () => await findPrograms() !== undefined,
  open,
};

const versions = "/usr/lib/postgresql";

const settings = `
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = on
synchronous_commit = on
full_page_writes = on
wal_sync_method = fdatasync
wal_level = minimal
max_wal_senders = 0
wal_buffers = 16MB
# No checkpoint falls into a measurement.
max_wal_size = 8GB
checkpoint_timeout = 30min
# Otherwise statements are planned anew for each call, as their lists differ in length.
plan_cache_mode = force_generic_plan
jit = off
log_min_messages = fatal
`;

/** The folder of the programs of the newest version that has a server. */
async function findPrograms(): Promise<string | undefined> {
  const found: number[] = [];
  try {
    for await (const { name } of Deno.readDir(versions)) {
      const server = Deno.stat(`${versions}/${name}/bin/postgres`);
      if (await server.then(({ isFile }) => isFile, () => false)) found.push(Number(name));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found.length === 0 ? undefined : `${versions}/${Math.max(...found)}/bin`;
}

async function open(folder: string, signal: AbortSignal): Promise<Stores> {
  await using started = new AsyncDisposableStack();
  const programs = await findPrograms();
  const user = await findUser();
  const start = async (name: string, port: number) => {
    const data = `${folder}/postgres-${name}`;
    const isMade = await Deno.stat(data).then(() => true, () => false);
    if (!isMade) await makeDatabase(`${programs}/initdb`, data, user);
    const args = ["-D", data, "-p", String(port)];
    // What PostgreSQL calls a fast shutdown.
    const stopSignal = "SIGINT";
    const server = started.use(
      new Server({ program: `${programs}/postgres`, args, user, stopSignal }),
    );
    await server.ready(() => isReady(data), signal);
    const client = await PostgresClient.open(port);
    started.defer(() => client.close());
    return client;
  };
  const [left, right, third] = freePorts(3);
  const ledgers = [
    await HoldsLedger.fill(await start("left", left!)),
    await HoldsLedger.fill(await start("right", right!)),
  ] as const;
  const decisions = await fillDecisions(await start("decisions", third!));
  const owned = started.move();
  return {
    ledgers,
    decide: (payment) => decisions.add(payment),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Whom the servers run as: PostgreSQL refuses to run as root. */
async function findUser(): Promise<User | undefined> {
  if (Deno.uid() !== 0) return undefined;
  const idOf = async (flag: string) => {
    const command = new Deno.Command("id", { args: [flag, "postgres"] });
    const { success, stdout, stderr } = await command.output();
    if (success) return Number(new TextDecoder().decode(stdout));
    throw new Error(`root needs a user to run PostgreSQL as: ${new TextDecoder().decode(stderr)}`);
  };
  return { uid: await idOf("-u"), gid: await idOf("-g") };
}

async function makeDatabase(initdb: string, data: string, user?: User): Promise<void> {
  await Deno.mkdir(data, { mode: 0o700 });
  if (user) await Deno.chown(data, user.uid, user.gid);
  const { success, stderr } = await new Deno.Command(initdb, {
    ...programOptions(user),
    args: ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"],
  }).output();
  if (!success) throw new Error(`initdb failed: ${new TextDecoder().decode(stderr).trim()}`);
  await Deno.writeTextFile(`${data}/postgresql.conf`, settings, { append: true });
}

/** As the server says in the file that has its process id. */
async function isReady(data: string): Promise<boolean> {
  const file = `${data}/postmaster.pid`;
  try {
    return (await Deno.readTextFile(file)).split("\n").at(statusLine)?.trim() === "ready";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

const statusLine = 7;

async function fillDecisions(client: PostgresClient): Promise<Batches<number, void>> {
  await client.query(`
    drop table if exists decisions;
    create table decisions (payment bigint primary key, at timestamptz not null default now());
  `);
  await client.query("checkpoint");
  await client.prepare("decide", "insert into decisions (payment) select unnest($1::bigint[])");
  return new Batches(async (payments) => {
    await client.call("decide", [arrayOf(payments)]);
    return payments.map(() => {});
  });
}

type Step =
  | {
    readonly type: "prepare";
    readonly payment: number;
    readonly account: number;
    readonly amount: number;
  }
  | { readonly type: "commit"; readonly payment: number }
  | { readonly type: "abort"; readonly payment: number };

class HoldsLedger implements Ledger {
  readonly #client: PostgresClient;
  readonly #steps = new Batches<Step, boolean>((steps) => this.#advance(steps));

  private constructor(client: PostgresClient) {
    this.#client = client;
  }

  static async fill(client: PostgresClient): Promise<HoldsLedger> {
    await client.query("drop table if exists accounts, held; drop function if exists advance;");
    await client.query(schema);
    await client.query(
      `insert into accounts select i, ${opening} from generate_series(0, ${accounts - 1}) as i`,
    );
    await client.query("vacuum analyze accounts");
    await client.query("checkpoint");
    await client.prepare("advance", "select advance($1, $2, $3, $4, $5)");
    return new HoldsLedger(client);
  }

  prepare(payment: number, account: number, amount: number): Promise<boolean> {
    return this.#steps.add({ type: "prepare", payment, account, amount });
  }

  commit(payment: number): Promise<unknown> {
    return this.#steps.add({ type: "commit", payment });
  }

  abort(payment: number): Promise<unknown> {
    return this.#steps.add({ type: "abort", payment });
  }

  async audit(): Promise<Audit> {
    const [row] = await this.#client.query(
      "select (select sum(balance) from accounts), (select count(*) from held)",
    );
    return { total: Number(row![0]), held: Number(row![1]) };
  }

  /** Answers of each step whether it was done. */
  async #advance(steps: readonly Step[]): Promise<boolean[]> {
    const committed: number[] = [];
    const aborted: number[] = [];
    const payments: number[] = [];
    const legs: number[] = [];
    const amounts: number[] = [];
    for (const step of steps) {
      switch (step.type) {
        case "prepare":
          payments.push(step.payment);
          legs.push(step.account);
          amounts.push(step.amount);
          break;
        case "commit":
          committed.push(step.payment);
          break;
        case "abort":
          aborted.push(step.payment);
          break;
        default:
          step satisfies never;
      }
    }
    const lists = [committed, aborted, payments, legs, amounts].map(arrayOf);
    const [row] = await this.#client.call("advance", lists);
    const votes = row![0]!.slice(1, -1).split(",");
    let vote = 0;
    return steps.map(({ type }) => type !== "prepare" || votes[vote++] === "t");
  }
}

/** As PostgreSQL reads it. */
function arrayOf(values: readonly number[]): string {
  return `{${values.join(",")}}`;
}
