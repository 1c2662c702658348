// What `npm run generate` writes into src/generated: types of the operations alone, and their documents.
import type { CodegenConfig } from "@graphql-codegen/cli";

const scalars = { BigInt: "number", Credits: "number", Date: "string", DateTime: "string", JSON: "unknown" };
const config: CodegenConfig = {
  emitLegacyCommonJSImports: false,
  schema: "../../schema/schema.graphql",
  documents: "../operations.graphql",
  generates: {
    "src/generated/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: { documentMode: "string", enumsAsTypes: true, useTypeImports: true, scalars, skipTypename: true },
    },
  },
};
export default config;
