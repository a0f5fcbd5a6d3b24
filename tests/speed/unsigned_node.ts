/** The executable, without signatures. */

import { run } from "../../src/cli/mod.ts";
import { withoutSignatures } from "./unsigned.ts";

withoutSignatures();
Deno.exit(await run(Deno.args));
