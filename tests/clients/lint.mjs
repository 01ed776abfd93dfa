// Holds FOLDER/schema.graphql and the documents in FOLDER/queries against the rules of @graphql-eslint; prints what breaks
// one, as [{file, rule, message, source}]. Its sets of rules are taken whole; what is off or set otherwise here says why.
import { relative, resolve } from 'node:path';
import plugin from '@graphql-eslint/eslint-plugin';
import { ESLint } from 'eslint';

const folder = resolve(process.argv[2]);
const { configs, parser } = plugin;
const named = rules => Object.fromEntries(Object.entries(rules).map(([name, to]) => [`@graphql-eslint/${name}`, to]));

const schemaRules = {
  ...configs['flat/schema-all'].rules,
  ...configs['flat/schema-relay'].rules,
  ...named({
    'input-name': ['error', { checkInputType: true, caseSensitiveInputType: false }],
    'require-description': [
      'error',
      {
        types: true,
        rootField: true,
        FieldDefinition: true,
        InputValueDefinition: true,
        EnumValueDefinition: true,
        DirectiveDefinition: true,
      },
    ],
    // Short lists that belong to one thing (roles, steps, ethnicities) are plain lists: nobody pages through them.
    'relay-edge-types': ['error', { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false }],
    // Fields, values and arguments stand in the order in which one reads them; types are sorted by the export.
    alphabetize: 'off',
    // It is for schemas without mutations and subscriptions.
    'no-root-type': 'off',
    // A payload is what came of a change. The rest is asked in a query, whose limits and costs are its own.
    'require-field-of-type-query-in-mutation-result': 'off',
    // What can be asked for again has an id, by the interface Node. Values (a step, a reason, a page) have none.
    'strict-id-in-types': 'off',
    // A field leaves after a release in which it was deprecated, not on a day; @deprecated has no argument for one.
    'require-deprecation-date': 'off',
  }),
};
const operationRules = {
  ...configs['flat/operations-all'].rules,
  ...named({
    // In the order in which one reads the answer.
    alphabetize: 'off',
    // Files are named as the IDE's menu shows them, operations as the access log does.
    'match-document-filename': 'off',
    // The documents are for people to read. A client with a cache asks for ids besides, or has its tool add them.
    'require-selections': 'off',
  }),
};
const eslint = new ESLint({
  cwd: folder,
  overrideConfigFile: true,
  overrideConfig: [
    {
      files: ['**/*.graphql'],
      languageOptions: {
        parser,
        parserOptions: {
          graphQLConfig: { schema: `${folder}/schema.graphql`, documents: `${folder}/queries/**/*.graphql` },
        },
      },
      plugins: { '@graphql-eslint': plugin },
    },
    { files: ['schema.graphql'], rules: schemaRules },
    { files: ['queries/**/*.graphql'], rules: operationRules },
  ],
});
const files = await eslint.lintFiles(['schema.graphql', 'queries/**/*.graphql']);
const broken = files.flatMap(({ filePath, source, messages }) =>
  messages.map(({ ruleId, line, message }) => ({
    file: relative(folder, filePath),
    rule: ruleId?.replace('@graphql-eslint/', ''),
    message,
    source: source?.split('\n')[line - 1].trim(),
  })),
);
console.log(JSON.stringify(broken));
