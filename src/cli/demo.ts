import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { runDemo } from "./demo_run.ts";

export const demo: Command = {
  name: "demo",
  summary: "a coordinator, alice and bob in one process, and payments between them",
  usage: ["demo [--once]"],
  flags: [{ name: "once", help: "end after the payments" }, jsonFlag],
  run: (args, io) => runDemo({ once: args.is("once"), json: args.is("json") }, io),
};
