import type { Socket } from 'node:net';
import { afterEach } from 'vitest';
import { waitFor } from '../../../test/support/wait-for.js';
import type { Endpoint, Ways } from './contracts.js';
import { echo, program } from './loopback.test-support.js';
import { Mapping } from './mapping.js';
import type { MappingSpec } from './mapping-spec.js';
import type { MappingsOptions } from './mappings.js';
import { aBench, aSpec, type Bench } from './mappings.test-support.js';

export interface OpenMapping extends Bench {
  readonly mapping: Mapping;
}

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A mapping that is closed after the test, and all that goes through it. */
export async function openMapping(
  ways: Ways,
  parts: Partial<MappingSpec>,
  others: Partial<MappingsOptions> = {},
): Promise<OpenMapping> {
  const bench = aBench(ways, others);
  const mapping = new Mapping({ ...bench, spec: aSpec(parts), since: 0 });
  await mapping.settle();
  closing.push(async () => {
    await mapping.close();
    bench.flows.end('stopped');
    await waitFor(() => bench.flows.size === 0, 2_000, 'flows to end');
  });
  return { ...bench, mapping };
}

/** A program here, which ends after the test. */
export async function serving(serve: (socket: Socket) => void = echo): Promise<Endpoint> {
  const server = await program(serve);
  closing.push(server.close);
  return server;
}

/** Where clients of a mapping that is open go to. */
export function at({ at: endpoint }: Mapping): Endpoint {
  if (endpoint === null) throw new Error('it does not listen');
  return endpoint;
}
