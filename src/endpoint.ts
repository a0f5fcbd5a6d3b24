/** Where something listens, as users and peers write it: `HOST:PORT`, `[IPV6]:PORT`. */

export interface Endpoint {
  /** An IPv6 address stands without brackets. */
  readonly hostname: string;
  readonly port: number;
}

/** The endpoint in `text`, or nothing if it is none that can be dialled: port 0 can't. */
export function parseDialable(text: string): Endpoint | undefined {
  const { hostname, port } = splitEndpoint(text) ?? {};
  const number = portIn(port ?? "");
  return hostname !== undefined && number ? { hostname, port: number } : undefined;
}

/** Host and port in `text`, whatever stands for the port; nothing if it has another form. */
export function splitEndpoint(text: string): { hostname: string; port: string } | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]@/]+)):([^:]*)$/i.exec(text);
  const hostname = match?.[1] ?? match?.[2];
  const port = match?.[3];
  return hostname === undefined || port === undefined ? undefined : { hostname, port };
}

/** A port, 0 too, or nothing. */
export function portIn(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Infinity;
  return port <= 65_535 ? port : undefined;
}

export function formatEndpoint({ hostname, port }: Endpoint): string {
  const bare = bareHost(hostname);
  return bare.includes(":") ? `[${bare}]:${port}` : `${bare}:${port}`;
}

/** Without the brackets that URLs have around an IPv6 address. */
export function bareHost(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}
