import { writeFileSync } from 'node:fs';
import { outputSchemas } from './output-schemas.js';

// Writes the output schemas of the MCP tools. A test compares them with what they are drawn from.

const file = new URL('../packages/mcp/src/output-schemas.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(outputSchemas(), null, 2)}\n`);
