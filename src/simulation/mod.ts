/**
 * The simulator: real nodes on machines, disks, clocks and a network that a seed makes up and breaks.
 *
 * Core, codec, log, loop and the shells of both roles are those of production. Time, chance, links and the
 * log's storage are the simulator's; nothing runs but by its schedule, so a seed repeats to the byte.
 */

export type { Failure, RunResult } from "./run.ts";
export { run } from "./run.ts";
export { isWorker, runSeeds, serveSeeds } from "./workers.ts";
export { participantsMax } from "./world.ts";
