import { jsonFlag } from "./command.ts";
import type { Command } from "./command.ts";
import { checkCertificates } from "./doctor_certificates.ts";
import { checkLogKeys } from "./doctor_log_key.ts";
import { checkCoordinator, checkData } from "./doctor_node.ts";
import { exitCode } from "./exit_code.ts";
import type { Finding } from "./finding.ts";
import { foldersIn } from "./node_address.ts";
import { serverNameDefault } from "./node_options.ts";
import type { Style, Tone } from "./style.ts";
import { parseEndpoint, parseName } from "./values.ts";

export const doctor: Command = {
  name: "doctor",
  summary: "check certificates, data, disk, clocks, ports and links",
  usage: [
    "doctor [--certs DIR] [--data DIR]... [--log-key FILE]...",
    "doctor --server HOST:PORT [--server-name NAME]",
  ],
  flags: [
    { name: "certs", value: "DIR", help: "certificates (default: certs)" },
    {
      name: "data",
      value: "DIR",
      repeats: true,
      help: "a node's data folder, any number of them (default: all in data)",
    },
    {
      name: "log-key",
      value: "FILE",
      repeats: true,
      help: "also whether stopped nodes' logs open with it",
    },
    {
      name: "server",
      value: "HOST:PORT",
      help: "also whether a coordinator can be linked with there",
    },
    { name: "server-name", value: "NAME", help: `its name (default: ${serverNameDefault})` },
    jsonFlag,
  ],
  notes: ["Exits 0 when nothing fails, 1 otherwise."],
  run: async (args, io) => {
    const certs = args.text("certs") ?? "certs";
    const given = args.all("data");
    const folders = given.length > 0 ? given : (await foldersIn("data")).map((of) => `data/${of}`);
    const server = args.text("server");
    const serverName = parseName(args.text("server-name") ?? serverNameDefault, "--server-name");
    if (server !== undefined) parseEndpoint(server, "--server");
    const findings = await checkCertificates(certs, Date.now());
    const logKeys = await checkLogKeys(args.all("log-key"), findings);
    for (const dir of folders.toSorted()) {
      findings.push(...await checkData(dir, `${certs}/ca.pem`, logKeys));
    }
    if (server !== undefined) {
      findings.push(await checkCoordinator(server, serverName, `${certs}/ca.pem`));
    }
    for (const finding of findings) {
      if (args.is("json")) io.out(JSON.stringify(finding));
      else for (const line of lines(finding, io.style)) io.out(line);
    }
    if (!args.is("json")) io.out(summaryOf(findings));
    return findings.some(({ level }) => level === "fail") ? exitCode.failed : exitCode.done;
  },
};

/** `14 checks: 12 ok, 1 warning, 1 failure` */
function summaryOf(findings: readonly Finding[]): string {
  const of = (wanted: Finding["level"]) => findings.filter(({ level }) => level === wanted).length;
  const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;
  return `${counted(findings.length, "check")}: ${of("ok")} ok, ` +
    `${counted(of("warn"), "warning")}, ${counted(of("fail"), "failure")}`;
}

const tones: Readonly<Record<Finding["level"], Tone>> = {
  ok: "good",
  warn: "warning",
  fail: "bad",
};

function lines({ level, subject, detail, next }: Finding, style: Style): string[] {
  const found = `${style.paint(tones[level], level.padEnd(4))} ${subject}: ${detail}`;
  return next === undefined ? [found] : [found, `     -> ${next}`];
}
