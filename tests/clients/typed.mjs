// Type-checks and compiles typed/client.ts with what codegen.mjs wrote into FOLDER, and has people use it; prints
// {status, said, seen: [{case, home, problems, sameStudent}]}. Standard input: {number, people: [{url, headers}]}.
import { spawnSync } from 'node:child_process';
import { cpSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const [folder] = process.argv.slice(2);
const { number, people } = JSON.parse(await text(process.stdin));
const here = name => fileURLToPath(new URL(name, import.meta.url));
const require = createRequire(import.meta.url);
for (const name of ['client.ts', 'tsconfig.json']) cpSync(here(`typed/${name}`), `${folder}/${name}`);
symlinkSync(here('node_modules'), `${folder}/node_modules`);
const { status, stdout } = spawnSync(process.execPath, [require.resolve('typescript/lib/tsc.js'), '-p', folder], {
  encoding: 'utf8',
});
const seen = [];
if (status === 0) {
  const client = require(`${folder}/built/client.js`);
  for (const server of people) {
    seen.push({
      case: await client.caseOf(server, number),
      home: await client.home(server),
      problems: await client.problemsOf(server, number, ''),
      sameStudent: await client.sameStudent(server),
    });
  }
}
console.log(JSON.stringify({ status, said: stdout, seen }));
