// Prints what changed in the schema since an older one, and fails when it breaks clients: node changes.mjs <older> <newer>.
import { readFileSync } from "node:fs";
import { CriticalityLevel, diff } from "@graphql-inspector/core";
import { buildSchema } from "graphql";

const [older, newer] = process.argv.slice(2).map((path) => buildSchema(readFileSync(path, "utf8")));
const changes = (await diff(older, newer)).filter((change) => change.criticality.level !== CriticalityLevel.NonBreaking);
for (const { criticality, message } of changes) console.log(`${criticality.level}: ${message}`);
const breaking = changes.filter((change) => change.criticality.level === CriticalityLevel.Breaking);
console.log(`${changes.length - breaking.length} dangerous and ${breaking.length} breaking changes`);
process.exit(breaking.length ? 1 : 0);
