// The schema of `make bench-api`, answered from memory.
export const typeDefs = `
type Wallet { id: ID! ownerId: String! currency: String! balance: Int! updatedAt: String! }
type Transaction { id: ID! walletId: String! kind: String! amount: Int! currency: String! description: String!
  createdAt: String! balanceAfter: Int! }
input SpendInput { walletId: ID! amount: Int! currency: String! idempotencyKey: String! }
type SpendPayload { wallet: Wallet! transaction: Transaction! }
type Query { wallet(id: ID!): Wallet transactions(first: Int! = 50): [Transaction!]! }
type Mutation { spend(input: SpendInput!): SpendPayload! }
`

const updatedAt = '2026-11-21T00:00:00Z'
const wallet = { id: 'w1', ownerId: 'u1', currency: 'CREDIT', balance: 12345, updatedAt }
const transactions = Array.from({ length: 50 }, (_, number) => ({
  id: `t${number}`,
  walletId: 'w1',
  kind: 'CONSUME',
  amount: number,
  currency: 'CREDIT',
  description: `usage of model ${number}`,
  createdAt: updatedAt,
  balanceAfter: 12345 - number,
}))

export const resolvers = {
  Query: { wallet: async () => wallet, transactions: async (_, { first }) => transactions.slice(0, first) },
  Mutation: { spend: async () => ({ wallet, transaction: transactions[0] }) },
}
