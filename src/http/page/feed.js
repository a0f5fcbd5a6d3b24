// The stream of what the node shows. Read by fetch, as EventSource can't send a token.

const tokenKey = "handfast-token";
const retryMsMin = 500;
const retryMsMax = 5_000;
/** The node sends something at least every five seconds. */
const silenceMsMax = 12_000;

export const tokenHeaders = () => {
  const token = sessionStorage.getItem(tokenKey);
  return token ? { Authorization: `Bearer ${token}` } : {};
};

/** For this tab only: it is gone when the tab is closed. */
export function keepToken(token) {
  sessionStorage.setItem(tokenKey, token);
}

/**
 * Watches until the node asks for a token, and again by itself when the stream breaks. Calls `heard()`
 * for whatever comes, `told(name, data)` for events and `state(name)` with "live", "stale" or "token".
 */
export async function watch({ heard, told, state }) {
  let retryMs = retryMsMin;
  for (;;) {
    try {
      const hadToken = sessionStorage.getItem(tokenKey) !== null;
      const end = await readStream({ heard, told, live: () => state("live") });
      if (end === "token") {
        sessionStorage.removeItem(tokenKey);
        return state("token", hadToken);
      }
      retryMs = retryMsMin;
    } catch {
      retryMs = Math.min(retryMs * 2, retryMsMax);
    }
    state("stale");
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

async function readStream({ heard, told, live }) {
  const abort = new AbortController();
  let silence = setTimeout(() => abort.abort(), silenceMsMax);
  try {
    const response = await fetch("/events", { headers: tokenHeaders(), signal: abort.signal });
    if (response.status === 401) return "token";
    if (!response.ok) throw new Error(`status ${response.status}`);
    live();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return "ended";
      heard();
      clearTimeout(silence);
      silence = setTimeout(() => abort.abort(), silenceMsMax);
      const blocks = (text + value).split("\n\n");
      text = blocks.pop();
      for (const block of blocks) tell(block, told);
    }
  } finally {
    clearTimeout(silence);
    abort.abort();
  }
}

function tell(block, told) {
  const fields = new Map(
    block.split("\n").map((line) => {
      const at = line.indexOf(": ");
      return [line.slice(0, at), line.slice(at + 2)];
    }),
  );
  if (fields.has("data")) told(fields.get("event"), JSON.parse(fields.get("data")));
}
