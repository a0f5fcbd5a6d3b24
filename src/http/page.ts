/** The status page: static files, and the data that they show. */

import type { OpenAPIHono } from "@hono/zod-openapi";
import { parsePaymentId } from "../protocol/id.ts";
import type { Streams } from "./event_stream.ts";
import type { AnyNodeApi } from "./node_api.ts";
import chart from "./page/chart.js" with { type: "text" };
import clocks from "./page/clocks.js" with { type: "text" };
import diagramStyle from "./page/diagram.css" with { type: "text" };
import diagram from "./page/diagram.js" with { type: "text" };
import elements from "./page/elements.js" with { type: "text" };
import feed from "./page/feed.js" with { type: "text" };
import html from "./page/page.html" with { type: "text" };
import layout from "./page/layout.js" with { type: "text" };
import nodeStyle from "./page/node.css" with { type: "text" };
import node from "./page/node.js" with { type: "text" };
import page from "./page/page.js" with { type: "text" };
import paymentsStyle from "./page/payments.css" with { type: "text" };
import payments from "./page/payments.js" with { type: "text" };
import style from "./page/style.css" with { type: "text" };
import uplotStyle from "uplot/dist/uPlot.min.css" with { type: "text" };
import uplot from "uplot/dist/uPlot.iife.min.js" with { type: "text" };
import uplotLicence from "uplot/LICENSE" with { type: "text" };
import { PageFeed } from "./page_feed.ts";
import { detailJson } from "./page_view.ts";
import { problem } from "./problem.ts";

const javascript = "text/javascript";
const files: Readonly<Record<string, readonly [text: string, type: string]>> = {
  "/page/page.js": [page, javascript],
  "/page/feed.js": [feed, javascript],
  "/page/elements.js": [elements, javascript],
  "/page/node.js": [node, javascript],
  "/page/payments.js": [payments, javascript],
  "/page/chart.js": [chart, javascript],
  "/page/clocks.js": [clocks, javascript],
  "/page/layout.js": [layout, javascript],
  "/page/diagram.js": [diagram, javascript],
  "/page/style.css": [style, "text/css"],
  "/page/node.css": [nodeStyle, "text/css"],
  "/page/payments.css": [paymentsStyle, "text/css"],
  "/page/diagram.css": [diagramStyle, "text/css"],
  "/page/uplot.js": [uplot, javascript],
  "/page/uplot.css": [uplotStyle, "text/css"],
  "/page/uplot-licence.txt": [uplotLicence, "text/plain; charset=utf-8"],
};

/** Files without data: open to everyone, as the page itself has to ask for the token. */
export const pageFiles: readonly string[] = ["/", ...Object.keys(files)];

export function addPageRoutes(
  app: OpenAPIHono,
  node: AnyNodeApi,
  streams: Streams,
  onError: (line: string) => void,
): void {
  app.get("/", (c) => c.html(html));
  for (const [path, [text, type]] of Object.entries(files)) {
    app.get(path, (c) => c.body(text, 200, { "Content-Type": type }));
  }

  const pageFeed = new PageFeed(node, onError);
  app.get("/events", (c) => {
    const stream = streams.open(c.req.raw);
    if (!stream) {
      const headers = { "Retry-After": "1" };
      return problem(c, 503, "overloaded", "Too many streams are open", { headers });
    }
    pageFeed.add(stream);
    return stream.response;
  });

  app.get("/page/payments/:id", async (c) => {
    const id = parsePaymentId(c.req.param("id"));
    const trace = id && await node.trace(id);
    if (trace) return c.json(detailJson(trace));
    return problem(c, 404, "payment_not_found", "This payment is not known here");
  });
}
