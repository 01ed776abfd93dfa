// Compiles relay/ against SCHEMA in FOLDER, as Relay's compiler does; prints {status, said, documents: {name: text}}.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import compiler from 'relay-compiler';

const [schema, folder] = process.argv.slice(2);
const source = fileURLToPath(new URL('relay', import.meta.url));
const written = `${folder}/persisted-documents.json`;
mkdirSync(`${folder}/src`, { recursive: true });
cpSync(`${source}/relay.config.json`, `${folder}/relay.config.json`);
cpSync(`${source}/cases.js`, `${folder}/src/cases.js`);
writeFileSync(written, '{}'); // the compiler wants it to be there
cpSync(schema, `${folder}/schema.graphql`);
const { status, stdout, stderr } = spawnSync(compiler, ['relay.config.json'], { cwd: folder, encoding: 'utf8' });
const texts = Object.values(JSON.parse(readFileSync(written, 'utf8')));
const nameOf = text => text.match(/^(?:query|mutation|subscription) (\w+)/)[1];
const documents = Object.fromEntries(texts.map(text => [nameOf(text), text]));
console.log(JSON.stringify({ status, said: stdout + stderr, documents }));
