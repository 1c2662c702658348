/* eslint-disable */
import * as types from './graphql.js';



/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "mutation OpenWallet($ownerId: String!) {\n  createWallet(input: {ownerType: USER, ownerId: $ownerId}) {\n    wallet {\n      id\n      availableCredits\n      sequence\n    }\n    errors {\n      code\n      message\n    }\n  }\n}\n\nmutation BuyPack($walletId: ID!, $packCode: String!, $idempotencyKey: String!) {\n  purchaseCredits(\n    input: {walletId: $walletId, packCode: $packCode, method: UPI, idempotencyKey: $idempotencyKey}\n  ) {\n    purchase {\n      id\n      status\n      checkoutUrl\n      quote {\n        total {\n          formatted\n        }\n      }\n    }\n    errors {\n      code\n      message\n    }\n  }\n}\n\nmutation Consume($walletId: ID!, $feature: String!, $quantity: BigInt, $expectedCredits: Credits, $idempotencyKey: String!) {\n  consume(\n    input: {walletId: $walletId, feature: $feature, quantity: $quantity, expectedCredits: $expectedCredits, idempotencyKey: $idempotencyKey}\n  ) {\n    replayed\n    transaction {\n      sequence\n      credits\n      balanceAfter\n    }\n    errors {\n      __typename\n      code\n      message\n      ... on InsufficientCreditsError {\n        availableCredits\n        requiredCredits\n      }\n      ... on PricingMatrixMismatchError {\n        actualCredits\n      }\n      ... on DailyCapReachedError {\n        resetsAt\n      }\n      ... on CapReachedError {\n        left\n        resetsAt\n      }\n    }\n  }\n}\n\nsubscription WatchWallet($walletId: ID!, $after: BigInt) {\n  walletUpdated(walletId: $walletId, after: $after) {\n    sequence\n    wallet {\n      availableCredits\n    }\n    transactions {\n      sequence\n      type\n      credits\n      balanceAfter\n    }\n  }\n}": typeof types.OpenWalletDocument,
};
const documents: Documents = {
    "mutation OpenWallet($ownerId: String!) {\n  createWallet(input: {ownerType: USER, ownerId: $ownerId}) {\n    wallet {\n      id\n      availableCredits\n      sequence\n    }\n    errors {\n      code\n      message\n    }\n  }\n}\n\nmutation BuyPack($walletId: ID!, $packCode: String!, $idempotencyKey: String!) {\n  purchaseCredits(\n    input: {walletId: $walletId, packCode: $packCode, method: UPI, idempotencyKey: $idempotencyKey}\n  ) {\n    purchase {\n      id\n      status\n      checkoutUrl\n      quote {\n        total {\n          formatted\n        }\n      }\n    }\n    errors {\n      code\n      message\n    }\n  }\n}\n\nmutation Consume($walletId: ID!, $feature: String!, $quantity: BigInt, $expectedCredits: Credits, $idempotencyKey: String!) {\n  consume(\n    input: {walletId: $walletId, feature: $feature, quantity: $quantity, expectedCredits: $expectedCredits, idempotencyKey: $idempotencyKey}\n  ) {\n    replayed\n    transaction {\n      sequence\n      credits\n      balanceAfter\n    }\n    errors {\n      __typename\n      code\n      message\n      ... on InsufficientCreditsError {\n        availableCredits\n        requiredCredits\n      }\n      ... on PricingMatrixMismatchError {\n        actualCredits\n      }\n      ... on DailyCapReachedError {\n        resetsAt\n      }\n      ... on CapReachedError {\n        left\n        resetsAt\n      }\n    }\n  }\n}\n\nsubscription WatchWallet($walletId: ID!, $after: BigInt) {\n  walletUpdated(walletId: $walletId, after: $after) {\n    sequence\n    wallet {\n      availableCredits\n    }\n    transactions {\n      sequence\n      type\n      credits\n      balanceAfter\n    }\n  }\n}": types.OpenWalletDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "mutation OpenWallet($ownerId: String!) {\n  createWallet(input: {ownerType: USER, ownerId: $ownerId}) {\n    wallet {\n      id\n      availableCredits\n      sequence\n    }\n    errors {\n      code\n      message\n    }\n  }\n}\n\nmutation BuyPack($walletId: ID!, $packCode: String!, $idempotencyKey: String!) {\n  purchaseCredits(\n    input: {walletId: $walletId, packCode: $packCode, method: UPI, idempotencyKey: $idempotencyKey}\n  ) {\n    purchase {\n      id\n      status\n      checkoutUrl\n      quote {\n        total {\n          formatted\n        }\n      }\n    }\n    errors {\n      code\n      message\n    }\n  }\n}\n\nmutation Consume($walletId: ID!, $feature: String!, $quantity: BigInt, $expectedCredits: Credits, $idempotencyKey: String!) {\n  consume(\n    input: {walletId: $walletId, feature: $feature, quantity: $quantity, expectedCredits: $expectedCredits, idempotencyKey: $idempotencyKey}\n  ) {\n    replayed\n    transaction {\n      sequence\n      credits\n      balanceAfter\n    }\n    errors {\n      __typename\n      code\n      message\n      ... on InsufficientCreditsError {\n        availableCredits\n        requiredCredits\n      }\n      ... on PricingMatrixMismatchError {\n        actualCredits\n      }\n      ... on DailyCapReachedError {\n        resetsAt\n      }\n      ... on CapReachedError {\n        left\n        resetsAt\n      }\n    }\n  }\n}\n\nsubscription WatchWallet($walletId: ID!, $after: BigInt) {\n  walletUpdated(walletId: $walletId, after: $after) {\n    sequence\n    wallet {\n      availableCredits\n    }\n    transactions {\n      sequence\n      type\n      credits\n      balanceAfter\n    }\n  }\n}"): typeof import('./graphql.js').OpenWalletDocument;


export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}
