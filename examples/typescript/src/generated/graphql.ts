/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** The stable names of refusals; clients branch on them. */
export type ErrorCode =
  /** The spend would pass a cap that was set for the wallet: spend less, or wait until it resets. */
  | 'BATCH_REFUSED'
  /** The amount is below the smallest purchase. */
  | 'BELOW_MINIMUM'
  /** Nothing could be done in time: send the same request with the same key again. */
  | 'BUSY'
  /** The spend would pass a cap that was set for the wallet: spend less, or wait until it resets. */
  | 'CAP_REACHED'
  /** The spend would pass a daily cap: wait for the next UTC day. */
  | 'DAILY_CAP_REACHED'
  /** The key was used for another request: send a new key. */
  | 'IDEMPOTENCY_CONFLICT'
  /** The available credits do not cover the act: add credits. */
  | 'INSUFFICIENT_CREDITS'
  /** A value is outside its bounds: see the message and the field. */
  | 'INVALID_INPUT'
  /** The object is not in a state that allows the act. */
  | 'INVALID_STATE'
  /** No such object in the caller's project. */
  | 'NOT_FOUND'
  /** The purchase was stopped before the payment. */
  | 'PAYMENT_BLOCKED'
  /** The payment provider refused or could not be reached. */
  | 'PAYMENT_FAILED'
  /** The price is another one than expected: read `pricing` again. */
  | 'PRICING_MATRIX_MISMATCH'
  /** No price is published for the feature: see `pricing`. */
  | 'UNKNOWN_FEATURE'
  /** The usage is later than its metric allows, or in the future: see `earliest` and `latest`. */
  | 'USAGE_OUTSIDE_WINDOW'
  /** No credit leaves a frozen wallet: unfreeze it first. */
  | 'WALLET_FROZEN';

/** Where a purchase stands. */
export type PurchaseStatus =
  /** Not paid; retryPurchase tries again. */
  | 'FAILED'
  /** The buyer has to pay, or the provider to say so. */
  | 'PENDING'
  /** The order is being opened at the provider. */
  | 'PROCESSING'
  /** The whole amount went back. */
  | 'REFUNDED'
  /** Paid, and the credits are in the wallet. */
  | 'SUCCESS';

/** Why credits moved. */
export type TransactionType =
  /** Somebody corrected the balance by hand. */
  | 'ADMIN_ADJUSTMENT'
  /** Credits were given. */
  | 'BONUS_CREDIT'
  /** Credits were bought. */
  | 'CREDIT_PURCHASE'
  /** Credits came to their end unspent. */
  | 'EXPIRY'
  /** Credits were set aside. */
  | 'HOLD'
  /** Credits that were set aside were spent. */
  | 'HOLD_CAPTURE'
  /** Credits that were set aside are free again. */
  | 'HOLD_RELEASE'
  /** Credits were held back from a payout. */
  | 'PAYOUT_HOLD'
  /** Credits held back from a payout are free again. */
  | 'PAYOUT_RELEASE'
  /** Bought credits went back with their money. */
  | 'REFUND'
  /** A subscription gave credits. */
  | 'SUBSCRIPTION_GRANT'
  /** Credits moved between two wallets. */
  | 'TRANSFER'
  /** A feature was used. */
  | 'USAGE_DEDUCTION';

export type OpenWalletMutationVariables = Exact<{
  ownerId: string;
}>;


export type OpenWalletMutation = { createWallet: { wallet: { id: string, availableCredits: number, sequence: number } | null, errors: Array<
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
    > } };

export type BuyPackMutationVariables = Exact<{
  walletId: string | number;
  packCode: string;
  idempotencyKey: string;
}>;


export type BuyPackMutation = { purchaseCredits: { purchase: { id: string, status: PurchaseStatus, checkoutUrl: string | null, quote: { total: { formatted: string } } } | null, errors: Array<
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
      | { code: ErrorCode, message: string }
    > } };

export type ConsumeMutationVariables = Exact<{
  walletId: string | number;
  feature: string;
  quantity?: number | null | undefined;
  expectedCredits?: number | null | undefined;
  idempotencyKey: string;
}>;


export type ConsumeMutation = { consume: { replayed: boolean, transaction: { sequence: number, credits: number, balanceAfter: number } | null, errors: Array<
      | { __typename: 'CapReachedError', left: number, resetsAt: string, code: ErrorCode, message: string }
      | { __typename: 'DailyCapReachedError', resetsAt: string, code: ErrorCode, message: string }
      | { __typename: 'GenericError', code: ErrorCode, message: string }
      | { __typename: 'InsufficientCreditsError', availableCredits: number, requiredCredits: number, code: ErrorCode, message: string }
      | { __typename: 'PaymentBlockedError', code: ErrorCode, message: string }
      | { __typename: 'PricingMatrixMismatchError', actualCredits: number, code: ErrorCode, message: string }
      | { __typename: 'UsageOutsideWindowError', code: ErrorCode, message: string }
    > } };

export type WatchWalletSubscriptionVariables = Exact<{
  walletId: string | number;
  after?: number | null | undefined;
}>;


export type WatchWalletSubscription = { walletUpdated: { sequence: number, wallet: { availableCredits: number }, transactions: Array<{ sequence: number, type: TransactionType, credits: number, balanceAfter: number }> } };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}

export const OpenWalletDocument = new TypedDocumentString(`
    mutation OpenWallet($ownerId: String!) {
  createWallet(input: {ownerType: USER, ownerId: $ownerId}) {
    wallet {
      id
      availableCredits
      sequence
    }
    errors {
      code
      message
    }
  }
}
    `) as unknown as TypedDocumentString<OpenWalletMutation, OpenWalletMutationVariables>;
export const BuyPackDocument = new TypedDocumentString(`
    mutation BuyPack($walletId: ID!, $packCode: String!, $idempotencyKey: String!) {
  purchaseCredits(
    input: {walletId: $walletId, packCode: $packCode, method: UPI, idempotencyKey: $idempotencyKey}
  ) {
    purchase {
      id
      status
      checkoutUrl
      quote {
        total {
          formatted
        }
      }
    }
    errors {
      code
      message
    }
  }
}
    `) as unknown as TypedDocumentString<BuyPackMutation, BuyPackMutationVariables>;
export const ConsumeDocument = new TypedDocumentString(`
    mutation Consume($walletId: ID!, $feature: String!, $quantity: BigInt, $expectedCredits: Credits, $idempotencyKey: String!) {
  consume(
    input: {walletId: $walletId, feature: $feature, quantity: $quantity, expectedCredits: $expectedCredits, idempotencyKey: $idempotencyKey}
  ) {
    replayed
    transaction {
      sequence
      credits
      balanceAfter
    }
    errors {
      __typename
      code
      message
      ... on InsufficientCreditsError {
        availableCredits
        requiredCredits
      }
      ... on PricingMatrixMismatchError {
        actualCredits
      }
      ... on DailyCapReachedError {
        resetsAt
      }
      ... on CapReachedError {
        left
        resetsAt
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ConsumeMutation, ConsumeMutationVariables>;
export const WatchWalletDocument = new TypedDocumentString(`
    subscription WatchWallet($walletId: ID!, $after: BigInt) {
  walletUpdated(walletId: $walletId, after: $after) {
    sequence
    wallet {
      availableCredits
    }
    transactions {
      sequence
      type
      credits
      balanceAfter
    }
  }
}
    `) as unknown as TypedDocumentString<WatchWalletSubscription, WatchWalletSubscriptionVariables>;