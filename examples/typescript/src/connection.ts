// The two ways to one server, from COFFER_KEY (required) and COFFER_URL.
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import type { TypedDocumentString } from "./generated/graphql.js";

const PING_MS = 10_000;
const PONG_MS = 5_000;
const REQUEST_MS = 35_000;

const url = process.env.COFFER_URL ?? "http://127.0.0.1:8000/graphql";
const authorization = `Bearer ${process.env.COFFER_KEY}`;

/** The data of a query or mutation; throws on HTTP errors and on top-level errors. */
export async function ask<Data, Variables>(document: TypedDocumentString<Data, Variables>, variables: Variables): Promise<Data> {
  const headers = { authorization, "content-type": "application/json" };
  const body = JSON.stringify({ query: document.toString(), variables });
  const response = await fetch(url, { method: "POST", headers, body, signal: AbortSignal.timeout(REQUEST_MS) });
  const answer = (await response.json()) as { data?: Data; errors?: { message: string }[] };
  if (!answer.data || answer.errors) throw new Error(answer.errors?.[0]?.message ?? `HTTP ${response.status}`);
  return answer.data;
}

let overdue: NodeJS.Timeout | undefined;

/** One socket for all subscriptions. It does not retry: `walletUpdates` does, since only it knows where to resume. */
export const sockets = createClient({
  url: url.replace("http", "ws"),
  webSocketImpl: WebSocket,
  connectionParams: { authorization },
  retryAttempts: 0,
  onNonLazyError: () => {},
  keepAlive: PING_MS,
  on: {
    // A connection that broke without a word is noticed by the pong that does not come.
    ping: (received) => {
      if (!received) overdue = setTimeout(() => sockets.terminate(), PONG_MS);
    },
    pong: (received) => {
      if (received) clearTimeout(overdue);
    },
    closed: () => clearTimeout(overdue),
  },
});
