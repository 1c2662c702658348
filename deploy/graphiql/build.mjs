// Copies GraphiQL, React and the WebSocket client into runtime/static/graphiql, with the notices of all they contain.
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { buildSync } from "esbuild";

const SERVED = "../../runtime/static/graphiql";
const COPIED = {
  "react/umd/react.production.min.js": "react.js",
  "react-dom/umd/react-dom.production.min.js": "react-dom.js",
  "graphiql/graphiql.min.js": "graphiql.js",
  "graphiql/graphiql.min.css": "graphiql.css",
};
const NOTICE = /^(licen[sc]e|notice|copying)(\.|-|$)/i;

function notices(folder) {
  const names = readdirSync(folder).filter((name) => NOTICE.test(name));
  return names.map((name) => readFileSync(`${folder}/${name}`, "utf8").trim()).join("\n\n");
}

// Packages with the same text share one entry.
function licences() {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
  const byText = new Map();
  for (const [folder, entry] of Object.entries(packages)) {
    if (!folder || entry.dev || !existsSync(folder)) continue;
    const text = notices(folder) || `Licence: ${entry.license}`;
    const title = `${folder.replace(/^node_modules\//, "")} ${entry.version}`;
    byText.set(text, [...(byText.get(text) ?? []), title]);
  }
  return [...byText].map(([text, titles]) => `${titles.map((title) => `== ${title}\n`).join("")}\n${text}\n`).join("\n");
}

for (const [from, to] of Object.entries(COPIED)) copyFileSync(`node_modules/${from}`, `${SERVED}/${to}`);
buildSync({
  stdin: { contents: 'export { createClient } from "graphql-ws";', resolveDir: "." },
  outfile: `${SERVED}/graphql-ws.js`,
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "graphqlWs",
  target: "es2020",
});
writeFileSync(`${SERVED}/LICENSES.txt`, licences());
