// Open a wallet, buy a pack, watch it land, spend, and handle refusals by their type: node dist/story.js OWNER
import { ask, sockets } from "./connection.js";
import { BuyPackDocument, ConsumeDocument, type ConsumeMutation, type ConsumeMutationVariables, OpenWalletDocument } from "./generated/graphql.js";
import { walletUpdates } from "./live.js";

const [owner = "maya"] = process.argv.slice(2);

/** Start a purchase; a real buyer pays at its `checkoutUrl`, the simulated provider pays by itself. */
async function buy(walletId: string, idempotencyKey: string): Promise<void> {
  const { purchase, errors } = (await ask(BuyPackDocument, { walletId, packCode: "PACK_500", idempotencyKey })).purchaseCredits;
  if (!purchase) throw new Error(errors[0]?.message);
  console.log(`bought for ${purchase.quote.total.formatted}`);
}

/** Wait on the live wallet until credits are there. */
async function untilPaid(walletId: string, after: number): Promise<void> {
  for await (const update of walletUpdates(walletId, after)) {
    for (const row of update.transactions) console.log(`live: ${row.sequence} ${row.type} ${row.credits}`);
    if (update.wallet.availableCredits) return;
  }
}

/** A spend in words: what moved, or what to do about the refusal. */
function outcome({ transaction, replayed, errors }: ConsumeMutation["consume"]): string {
  if (transaction) return `${replayed ? "spent before" : "spent"}: ${-transaction.credits}, ${transaction.balanceAfter} left`;
  const [refusal] = errors;
  switch (refusal?.__typename) {
    case "InsufficientCreditsError":
      return `buy ${refusal.requiredCredits - refusal.availableCredits} more credits`;
    case "PricingMatrixMismatchError":
      return `ask the user again: it costs ${refusal.actualCredits}`;
    case "CapReachedError":
    case "DailyCapReachedError":
      return `try again at ${refusal.resetsAt.slice(11, 16)} UTC`;
    default:
      return `refused: ${refusal?.code}: ${refusal?.message}`;
  }
}

const { wallet, errors } = (await ask(OpenWalletDocument, { ownerId: owner })).createWallet;
if (!wallet) throw new Error(errors[0]?.message);
console.log(`opened: ${wallet.availableCredits} credits`);
await buy(wallet.id, `${owner}-pack`);
await untilPaid(wallet.id, wallet.sequence);

async function spend(key: string, more: Partial<ConsumeMutationVariables> = {}): Promise<void> {
  const variables = { walletId: wallet!.id, feature: "AI_SUMMARY", idempotencyKey: `${owner}-${key}`, ...more };
  console.log(outcome((await ask(ConsumeDocument, variables)).consume));
}

await spend("first");
await spend("first"); // as if the first answer had been lost: send the same key again
await spend("many", { quantity: 1_000 });
await spend("cheap", { expectedCredits: 1 });
await spend("unknown", { feature: "NO_SUCH_FEATURE" });
await sockets.dispose();
