import { describe, expect, it } from 'vitest';
import { isInstalled, mayChangeNetwork } from './host-needs.js';

describe('the right to change the network', () => {
  it.each([
    ['root', '000001ffffffffff', true],
    ['nothing', '0000000000000000', false],
    ['CAP_NET_ADMIN alone', '0000000000001000', true],
    ['all but CAP_NET_ADMIN', '000001ffffffefff', false],
    // linux/capability.h: CAP_NET_RAW is 13.
    ['CAP_NET_RAW alone', '0000000000002000', false],
  ])('%s', (_who, mask, may) => {
    expect(
      mayChangeNetwork(`Name:\tnode\nCapPrm:\t0000000000000000\nCapEff:\t${mask}\nCapBnd:\t000001ffffffffff\n`),
    ).toBe(may);
  });

  it('is taken for given where the kernel does not say', () => {
    expect(mayChangeNetwork('Name:\tnode\n')).toBe(true);
  });
});

describe('a program', () => {
  it('is looked for in every folder of the path', () => {
    expect(isInstalled('sh', '/nowhere::/bin')).toBe(true);
    expect(isInstalled('sh', '/nowhere')).toBe(false);
    expect(isInstalled('sh', '')).toBe(false);
    expect(isInstalled('passwd', '/etc')).toBe(false);
  });
});
