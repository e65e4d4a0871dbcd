import { PROTOCOL } from '@hurricane/backends';
import { type ConfigOf, ROUTING_DEFAULTS } from '@hurricane/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Namespace } from '../support/namespace.js';
import { addNamespaces, removeNamespaces } from '../support/namespace-names.js';
import { ip6, type ProductIn, productIn, stateOf } from '../support/product-in.js';
import { requireHost } from '../support/require-host.js';

const missing = requireHost({ root: true, tools: ['ip'] });
const why = missing === null ? '' : ` (skipped: ${missing})`;

const live = (): AbortSignal => new AbortController().signal;
const ADDRESS = '2001:db8:1::2';
const tunnel: ConfigOf<'external'> = {
  type: 'external',
  name: 'ext',
  iface: 'ext0',
  enabled: true,
  priority: 0,
  address: null,
  prefixLength: 64,
  gateway: null,
};

let space: Namespace;
let product: ProductIn;

beforeEach(async () => {
  if (missing !== null) return;
  [space] = (await addNamespaces(['here'])) as [Namespace];
  product = productIn(space.name);
  await space.ip(
    'link set lo up',
    'link add ext0 type veth peer name ext0-far',
    'link set ext0 up',
    'link set ext0-far up',
    `addr add ${ADDRESS}/64 dev ext0 nodad`,
  );
});
afterEach(async () => {
  if (missing !== null) return;
  await product.close();
  await removeNamespaces([space]);
});

const lines = (show: string): readonly string[] => ip6(space.name, show).split('\n').filter(Boolean);
const ourRules = (): readonly string[] => lines('rule show').filter((line) => line.endsWith(`proto ${PROTOCOL}`));
/** As arguments of `rule add`. */
const rule = (line: string): string => `pref ${line.replace(':\t', ' ')}`.replace(` proto ${PROTOCOL}`, '');

// gluetun #2521, #1991: "adding ipv6 rule: file exists", again and again, over what an earlier run had left.
describe.skipIf(missing !== null)(`coming up where rules like ours are there already${why}`, () => {
  it.each([
    ['all of them, ours', `protocol ${PROTOCOL}`],
    ['all of them, a stranger’s', 'protocol static'],
  ])('works, and takes nothing from anybody: %s', async (_whose, protocol) => {
    (await product.drivers.external.up(tunnel, live()))._unsafeUnwrap();
    const rules = ourRules();
    (await product.drivers.external.down(tunnel, live()))._unsafeUnwrap();
    const bare = stateOf(space.name);
    for (const line of rules) ip6(space.name, `rule add ${rule(line)} ${protocol}`);
    const before = stateOf(space.name);
    expect(before).not.toBe(bare);

    for (let twice = 0; twice < 2; twice += 1) {
      const fresh = productIn(space.name);
      (await fresh.drivers.external.up(tunnel, live()))._unsafeUnwrap();
      await fresh.close();
    }

    expect(ourRules()).toHaveLength(2);
    expect(ip6(space.name, `route get 2001:db8:ffff::1 from ${ADDRESS}`)).toContain('dev ext0');
    (await product.drivers.external.down(tunnel, live()))._unsafeUnwrap();
    expect(stateOf(space.name)).toBe(protocol.endsWith('static') ? before : bare);
  });

  it('works with one rule and one route of an earlier run that was killed in between', async () => {
    (await product.drivers.external.up(tunnel, live()))._unsafeUnwrap();
    const whole = stateOf(space.name);
    const table = String(ROUTING_DEFAULTS.tableBase);
    const [first, second] = ourRules();

    for (const half of [
      `rule del ${rule(first ?? '')}`,
      `rule del ${rule(second ?? '')}`,
      `route flush table ${table}`,
    ]) {
      ip6(space.name, half);
      const fresh = productIn(space.name);
      (await fresh.drivers.external.up(tunnel, live()))._unsafeUnwrap();
      await fresh.close();

      expect(stateOf(space.name)).toBe(whole);
    }
  });
});
