import { expect, it } from 'vitest';
import { markIn, markInterface } from './ownership.js';
import { FakeHost } from './testing/fake-host.js';

it.each([null, 'v6-gatewayd:abc123'.slice(12)])('a mark that was written is found again: %s', async (madeFrom) => {
  const host = new FakeHost();

  (await markInterface(host, 'eth0', { madeFrom }, new AbortController().signal))._unsafeUnwrap();

  expect(markIn(host.kernel.links.get('eth0')?.alias ?? null)).toEqual({ madeFrom });
});

it.each([null, '', 'uplink', 'v6-gatewayd2', 'v6-gatewayd:', 'my v6-gatewayd'])('%j is no mark of ours', (alias) => {
  expect(markIn(alias)).toBeNull();
});
