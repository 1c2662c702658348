// The style of the printed schema: descriptions everywhere, names, Relay's connections.
import plugin from "@graphql-eslint/eslint-plugin";

const EVERYTHING = { types: true, DirectiveDefinition: true, EnumValueDefinition: true, FieldDefinition: true, InputValueDefinition: true };

const recommended = plugin.configs["flat/schema-recommended"].rules;
// A total by type may be a TypeTotal.
const { "ObjectTypeDefinition,ObjectTypeExtension": _prefixes, ...names } = recommended["@graphql-eslint/naming-convention"][1];

export default [
  {
    files: ["**/*.graphql"],
    plugins: { "@graphql-eslint": plugin },
    languageOptions: { parser: plugin.parser, parserOptions: { graphQLConfig: { schema: "schema/schema.graphql" } } },
    rules: {
      ...recommended,
      ...plugin.configs["flat/schema-relay"].rules,
      "@graphql-eslint/require-description": ["error", EVERYTHING],
      "@graphql-eslint/naming-convention": ["error", names],
      "@graphql-eslint/relay-arguments": ["error", { includeBoth: false }],
      // Only what can be fetched again has an id; connections also have `nodes`, and errors and prices are plain lists.
      "@graphql-eslint/strict-id-in-types": "off",
      "@graphql-eslint/relay-edge-types": ["error", { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false }],
    },
  },
];
