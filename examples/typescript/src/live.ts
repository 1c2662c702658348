// A live wallet that survives outages: it connects again with backoff and resumes where it was.
import { setTimeout as wait } from "node:timers/promises";
import { sockets } from "./connection.js";
import { WatchWalletDocument, type WatchWalletSubscription } from "./generated/graphql.js";

const FIRST_WAIT_MS = 250;
const MAX_WAIT_MS = 15_000;
const TERMINATED = 4499; // our own code for a connection that answers no ping
const PASSING_ERRORS = ["BUSY", "INTERNAL", "RATE_LIMITED", "TIMEOUT", "TOO_SLOW"];

type Update = WatchWalletSubscription["walletUpdated"];

/** Every change above the sequence `after`, each transaction once. Store `update.sequence` to go on in a new process. */
export async function* walletUpdates(walletId: string, after: number): AsyncGenerator<Update> {
  for (let failures = 0; ; failures++) {
    try {
      const query = WatchWalletDocument.toString();
      for await (const { data, errors } of sockets.iterate<WatchWalletSubscription>({ query, variables: { walletId, after } })) {
        if (!data) throw errors;
        yield data.walletUpdated;
        after = data.walletUpdated.sequence;
        failures = 0;
      }
    } catch (fault) {
      if (!passes(fault)) throw Array.isArray(fault) ? new Error(fault[0].message) : fault;
    }
    await wait((0.5 + Math.random() / 2) * Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** failures));
  }
}

/** Whether trying again can help: yes, but for errors with other codes and closes with 44xx (4403: a wrong key). */
function passes(fault: unknown): boolean {
  if (Array.isArray(fault)) return fault.every((error) => PASSING_ERRORS.includes(error.extensions?.code));
  const code = (fault as { code?: unknown }).code;
  return !(typeof code === "number" && code >= 4400 && code < TERMINATED);
}
