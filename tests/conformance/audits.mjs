// Runs the GraphQL-over-HTTP audits against a server and prints their results as JSON: node audits.mjs <url> <key>.
// They run with a key: without one the server neither introspects nor answers GET, which two of them ask for.
import { serverAudits } from "graphql-http";

const [url, key] = process.argv.slice(2);
const fetchFn = (input, init = {}) => {
  const headers = { ...init.headers, authorization: `Bearer ${key}` };
  return fetch(input, { ...init, headers, signal: AbortSignal.timeout(20_000) });
};
const results = [];
for (const audit of serverAudits({ url, fetchFn })) {
  const { id, name, status, reason } = await audit.fn();
  results.push({ id, name, status, reason });
}
console.log(JSON.stringify(results));
