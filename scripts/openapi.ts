import { writeFileSync } from 'node:fs';
import { openapiDocument } from '@hurricane/http/schemas';

// Writes the OpenAPI document that the API serves and checks requests with. A test compares it with its schemas.

const file = new URL('../packages/http/src/openapi.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(openapiDocument(), null, 2)}\n`);
