/**
 * Seeds in parallel. A worker is this same program, started again with the same arguments and told by its
 * name that it is one: so it works from source and in one executable alike.
 */

import type { RunOptions, RunResult } from "./run.ts";
import { run } from "./run.ts";

const workerName = "handfast simulation";

type Job = Pick<RunOptions, "seed" | "participants">;

/** What of a worker's scope is needed; the program is otherwise checked as one that is none. */
interface WorkerScope {
  readonly name: string;
  onmessage: (event: MessageEvent<Job>) => void;
  postMessage(result: RunResult): void;
}

const scope = globalThis as unknown as WorkerScope;

export function isWorker(): boolean {
  return scope.name === workerName;
}

/** Runs seeds as they are handed out, until the worker is ended. */
export async function serveSeeds(): Promise<never> {
  scope.onmessage = ({ data }) => void run(data).then((result) => scope.postMessage(result));
  return await new Promise<never>(() => {});
}

export interface SeedsOptions {
  readonly first: number;
  readonly count: number;
  readonly participants?: number;
  readonly workers: number;
  /** Told of each run as it ends, in no particular order; false ends them all. */
  readonly ran: (result: RunResult) => boolean;
}

/** Runs seeds one after the other, each in the next worker that is free. */
export async function runSeeds(options: SeedsOptions): Promise<void> {
  const { first, count, participants, ran } = options;
  const width = Math.min(options.workers, count);
  let next = first;
  let isOver = false;
  const take = (): Job | undefined =>
    isOver || next === first + count ? undefined : { seed: next++, participants };
  if (width === 1) {
    for (let job = take(); job; job = take()) isOver = !ran(await run(job));
    return;
  }
  await Promise.all(Array.from({ length: width }, async () => {
    const worker = new Worker(Deno.mainModule, { type: "module", name: workerName });
    try {
      for (let job = take(); job; job = take()) isOver = !ran(await ask(worker, job)) || isOver;
    } finally {
      worker.terminate();
    }
  }));
}

function ask(worker: Worker, job: Job): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<RunResult>) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`the worker that ran seed ${job.seed} failed: ${event.message}`));
    };
    worker.postMessage(job);
  });
}
