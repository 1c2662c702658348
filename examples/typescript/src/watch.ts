// Print each transaction of a wallet once, through any outage: node dist/watch.js WALLET_ID [AFTER_SEQUENCE]
import { walletUpdates } from "./live.js";

const [walletId = "", after = "0"] = process.argv.slice(2);
for await (const update of walletUpdates(walletId, Number(after)))
  for (const { sequence, type, credits, balanceAfter } of update.transactions) console.log(sequence, type, credits, balanceAfter);
