// Real clients against a server: node clients.mjs <url> <key> <wallet>. Each prints one JSON line for each event it gets.
import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { createClient as createStreamClient } from "graphql-sse";
import { createClient as createSocketClient } from "graphql-ws";
import WebSocket from "ws";

const [url, key, id] = process.argv.slice(2);
const authorization = `Bearer ${key}`;
const WATCH = "subscription($id: ID!) { walletUpdated(walletId: $id) { sequence } }";
const WALLET = "query($id: ID!) { wallet(id: $id) { sequence } }";

const say = (client, data) => console.log(JSON.stringify({ client, data }));
const sink = (client) => ({ next: ({ data }) => say(client, data), error: (fault) => say(client, String(fault)), complete: () => say(client, "complete") });

const sockets = createSocketClient({ url: url.replace("http", "ws"), webSocketImpl: WebSocket, connectionParams: { authorization } });
sockets.subscribe({ query: WATCH, variables: { id } }, sink("graphql-ws"));

const streams = createStreamClient({ url, headers: { authorization } });
streams.subscribe({ query: WATCH, variables: { id } }, sink("graphql-sse"));

const forwarded = subscriptionExchange({
  forwardSubscription: (request) => ({
    subscribe: (observer) => ({ unsubscribe: sockets.subscribe({ ...request, query: request.query ?? "" }, observer) }),
  }),
});
const urql = new Client({ url, preferGetMethod: false, fetchOptions: { headers: { authorization } }, exchanges: [fetchExchange, forwarded] });
urql.subscription(WATCH, { id }).subscribe(({ data, error }) => say("urql", data ?? String(error)));
const plain = new Client({ url, preferGetMethod: false, fetchSubscriptions: true, fetchOptions: { headers: { authorization } }, exchanges: [fetchExchange] });
plain.subscription(WATCH, { id }).subscribe(({ data, error }) => say("urql over fetch", data ?? String(error)));
urql.query(WALLET, { id }).toPromise().then(({ data, error }) => say("urql query", data ?? String(error)));
