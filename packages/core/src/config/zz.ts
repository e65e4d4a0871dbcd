import { readFileSync } from 'node:fs';
import { describeConfigProblem } from '../errors.js';
import { parseConfig } from './parse.js';
const r = parseConfig(readFileSync(process.argv[2]!, 'utf8'));
if (r.isErr()) for (const p of r.error) console.log(describeConfigProblem('conf', p)); else console.log(JSON.stringify(r.value, null, 1));
