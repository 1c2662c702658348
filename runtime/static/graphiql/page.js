// Puts GraphiQL on the page once the server has taken the key: the key stays in this tab, and goes out as a bearer token
// over HTTP and on the socket.
const STORED = "coffer.key";
const FORBIDDEN = 4403; // the close code of a wrong key: trying again would not help
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
const place = document.getElementById("graphiql");
const SCRIPTS = ["react.js", "react-dom.js", "graphql-ws.js", "graphiql.js"];
let socket = null;
let root = null;

function connect() {
  if (socket) socket.dispose();
  const shouldRetry = (fault) => fault instanceof CloseEvent && fault.code !== FORBIDDEN;
  socket = graphqlWs.createClient({ url: socketUrl, lazy: true, connectionParams: bearer, shouldRetry });
}

async function post(request, typed) {
  const headers = { "content-type": "application/json", accept: "application/graphql-response+json", ...bearer(), ...typed };
  const response = await fetch("/graphql", { method: "POST", headers, body: JSON.stringify(request) });
  const text = await response.text();
  return (response.headers.get("content-type") ?? "").includes("json") ? JSON.parse(text) : { errors: [{ message: text }] };
}

// A socket that the server closes says why in its close event; GraphiQL shows messages.
function readable(fault) {
  return fault instanceof CloseEvent ? { message: `The socket was closed: ${fault.code} ${fault.reason}` } : fault;
}

function stream(request) {
  const relay = (observer) => ({
    next: (result) => observer.next(result),
    error: (fault) => observer.error(readable(fault)),
    complete: () => observer.complete(),
  });
  return { subscribe: (observer) => ({ unsubscribe: socket.subscribe(request, relay(observer)) }) };
}

function isSubscription(request, options) {
  const definitions = options?.documentAST?.definitions ?? [];
  const named = definitions.filter((d) => d.kind === "OperationDefinition" && (!request.operationName || d.name?.value === request.operationName));
  return named.some((d) => d.operation === "subscription");
}

const fetcher = (request, options) => (isSubscription(request, options) ? stream(request) : post(request, options?.headers));

function loadScript(name) {
  return new Promise((loaded, failed) => {
    const script = document.createElement("script");
    Object.assign(script, { src: `/static/graphiql/${name}`, onload: loaded, onerror: () => failed(new Error(`${name} did not load`)) });
    document.head.append(script);
  });
}

async function load() {
  const style = document.createElement("link");
  Object.assign(style, { rel: "stylesheet", href: "/static/graphiql/graphiql.css" });
  document.head.prepend(style);
  for (const name of SCRIPTS) await loadScript(name);
}

// The reason why a key is not taken; null when it is.
async function refusal() {
  if (!key()) return "Enter a key to explore the API.";
  const { errors } = await post({ query: "{ project { name } }" });
  if (errors?.[0].extensions?.code === "UNAUTHENTICATED") return "This key is unknown or was revoked: enter another one.";
  return errors ? errors[0].message : null;
}

async function render() {
  const reason = await refusal().catch((fault) => fault.message);
  if (reason) {
    if (root) root.unmount();
    root = null;
    place.textContent = reason;
    place.setAttribute("role", "status");
    return;
  }
  if (!window.GraphiQL) await load();
  place.removeAttribute("role");
  if (!root) place.textContent = "";
  root ??= ReactDOM.createRoot(place);
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
