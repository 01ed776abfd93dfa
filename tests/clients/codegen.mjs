// Writes what graphql-codegen's client preset makes of documents into FOLDER/gql; prints persisted-documents.json.
// Arguments: SCHEMA ALGORITHM FOLDER DOCUMENT…; documents are named by their hash of that algorithm.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { codegen } from '@graphql-codegen/core';
import { preset } from '@graphql-codegen/client-preset';
import { buildASTSchema, parse } from 'graphql';

const [schemaFile, hashAlgorithm, folder, ...files] = process.argv.slice(2);
const schema = parse(readFileSync(schemaFile, 'utf8'));
const documents = files.map(location => {
  const rawSDL = readFileSync(location, 'utf8');
  return { location, rawSDL, document: parse(rawSDL) };
});
const sections = await preset.buildGeneratesSection({
  baseOutputDir: 'gql/',
  schema,
  schemaAst: buildASTSchema(schema),
  documents,
  plugins: [],
  pluginMap: {},
  config: {
    documentMode: 'string',
    strictScalars: true,
    useTypeImports: true,
    scalars: { Date: 'string', DateTime: 'string', Upload: 'File' },
  },
  presetConfig: { persistedDocuments: { hashAlgorithm }, fragmentMasking: false },
  documentTransforms: [],
});
mkdirSync(`${folder}/gql`, { recursive: true });
for (const section of sections) {
  const text = await codegen(section);
  writeFileSync(`${folder}/gql/${basename(section.filename)}`, text);
  if (section.filename.endsWith('persisted-documents.json')) console.log(text);
}
