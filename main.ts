import { run } from "./src/cli/mod.ts";

if (import.meta.main) Deno.exit(await run(Deno.args));
