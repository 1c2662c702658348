// Puts GraphiQL on the page: the key stays in this tab, and goes out as a bearer token over HTTP and on the socket.
const STORED = "coffer.key";
const EXAMPLE = `# Wallets of your project. Watch one: subscription { walletUpdated(walletId: "wal_...") { sequence } }
{
  wallets(first: 5) {
    nodes { id ownerType ownerId availableCredits isLowBalance }
  }
}
`;

const key = () => sessionStorage.getItem(STORED) || "";
const bearer = () => (key() ? { authorization: `Bearer ${key()}` } : {});
const socketUrl = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/graphql`;
let socket = null;

function connect() {
  if (socket) socket.dispose();
  socket = graphqlWs.createClient({ url: socketUrl, lazy: true, connectionParams: bearer });
}

async function post(request) {
  const headers = { "content-type": "application/json", accept: "application/graphql-response+json", ...bearer() };
  const response = await fetch("/graphql", { method: "POST", headers, body: JSON.stringify(request) });
  return response.json();
}

function stream(request) {
  return { subscribe: (observer) => ({ unsubscribe: socket.subscribe(request, observer) }) };
}

function isSubscription(request, options) {
  const definitions = options?.documentAST?.definitions ?? [];
  const named = definitions.filter((d) => d.kind === "OperationDefinition" && (!request.operationName || d.name?.value === request.operationName));
  return named.some((d) => d.operation === "subscription");
}

const fetcher = (request, options) => (isSubscription(request, options) ? stream(request) : post(request));
const root = ReactDOM.createRoot(document.getElementById("graphiql"));

function render() {
  connect();
  root.render(React.createElement(GraphiQL, { key: key(), fetcher, defaultQuery: EXAMPLE, shouldPersistHeaders: false }));
}

document.getElementById("secret").value = key();
document.getElementById("key").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(STORED, document.getElementById("secret").value.trim());
  render();
});
render();
