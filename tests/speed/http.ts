/**
 * What HTTP costs a payment: processor time of a server, of whose node nothing but the API is there, while a
 * process of its own asks it with so many requests at a time. Of several rounds the least counts. Prints a
 * JSON line, microseconds a request.
 *
 *   deno run -A tests/speed/http.ts [--requests=20000] [--rounds=8] [--inflight=64]
 */

import process from "node:process";
import { parseArgs } from "@std/cli/parse-args";
import { TextLineStream } from "@std/streams/text-line-stream";
import { overHttp } from "../../src/bench/payer.ts";
import { paymentBy } from "../../src/bench/workload.ts";
import { serveHttp } from "../../src/http/serve.ts";
import { committed, FakeNode, token } from "../http/fake_node.ts";

const flags = parseArgs(Deno.args, {
  string: ["requests", "rounds", "inflight", "client"],
});
const requests = Number(flags.requests ?? 20_000);
const rounds = Number(flags.rounds ?? 8);
const inFlight = Number(flags.inflight ?? 64);

if (flags.client) await ask(String(flags.client));
else console.log(JSON.stringify({ requests, rounds, inFlight, cpuUs: await leastCpuUs() }));

async function leastCpuUs(): Promise<number> {
  const node = new FakeNode();
  node.submit = ({ id = committed.id, legs }) =>
    Promise.resolve({
      state: "committed",
      replayed: false,
      payment: { ...committed, id, legs, atMs: Date.now() },
    });
  const server = serveHttp(node, { hostname: "127.0.0.1", port: 0, token });
  const client = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", import.meta.filename!, ...Deno.args, `--client=${server.url}`],
    stdout: "piped",
  }).spawn();
  let least = Infinity;
  let before = process.cpuUsage();
  const ends = client.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
  for await (const _end of ends) {
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / requests);
    before = process.cpuUsage();
  }
  const { success } = await client.status;
  await server.shutdown();
  if (!success) throw new Error("the client failed");
  return Math.round(least * 10) / 10;
}

/** Prints a line at the end of each round. */
async function ask(url: string): Promise<void> {
  const payer = overHttp({ name: "alice", url, token });
  const workload = {
    participants: ["alice", "bob"],
    accounts: 1_000,
    legs: 2,
    memo: false,
    refusals: 0,
  };
  for (let round = 0; round < rounds; round++) {
    let left = requests;
    const askOn = async () => {
      while (left-- > 0) await payer.pay([paymentBy("alice", workload)], () => {});
    };
    await Promise.all(Array.from({ length: inFlight }, askOn));
    console.log(round);
  }
}
