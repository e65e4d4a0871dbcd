import type { JsonSchema } from './json-schema.js';
import drawn from './output-schemas.json' with { type: 'json' };

/** The documents that tools answer with. */
export type OutputName =
  | 'addresses'
  | 'control'
  | 'diagnosis'
  | 'events'
  | 'explanation'
  | 'health'
  | 'history'
  | 'mapped'
  | 'ports'
  | 'probe'
  | 'rehearsal'
  | 'tunnels';

/** Drawn from the schemas of REST and of `./schemas` by `npm run mcp-schemas`; a test draws them anew and compares. */
export const OUTPUT: { readonly [Name in OutputName]: JsonSchema } = drawn;
