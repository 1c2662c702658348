// node server.mjs <mercurius|apollo|yoga> <port>
import { typeDefs, resolvers } from './schema.mjs'

const [kind, port] = [process.argv[2], Number(process.argv[3])]
const host = '127.0.0.1'

const servers = {
  async mercurius() {
    const { default: Fastify } = await import('fastify')
    const { default: mercurius } = await import('mercurius')
    const app = Fastify()
    app.register(mercurius, { schema: typeDefs, resolvers })
    await app.listen({ port, host })
  },
  async apollo() {
    const { ApolloServer } = await import('@apollo/server')
    const { startStandaloneServer } = await import('@apollo/server/standalone')
    await startStandaloneServer(new ApolloServer({ typeDefs, resolvers }), { listen: { port, host } })
  },
  async yoga() {
    const { createServer } = await import('node:http')
    const { createYoga, createSchema } = await import('graphql-yoga')
    createServer(createYoga({ schema: createSchema({ typeDefs, resolvers }), logging: false })).listen(port, host)
  },
}

await servers[kind]()
console.log('none w1')
