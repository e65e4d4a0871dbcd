import { describe, expect, it } from 'vitest';
import { parseErrand } from './options.js';
import { describePlaygroundError } from './problems.js';

const problemIn = (...args: readonly string[]): string => describePlaygroundError(parseErrand(args)._unsafeUnwrapErr());

describe('the command line of the playground', () => {
  it('shows the best there is, until it is told to end, when nothing is said', () => {
    const options = { encapsulation: null, simulated: false, duration: null, demo: false, port: 8642 };

    expect(parseErrand([])._unsafeUnwrap()).toEqual({ kind: 'show', options });
  });

  it('takes seconds, and fractions of them', () => {
    expect(parseErrand(['--for', '0.5', '--port', '9000'])._unsafeUnwrap()).toMatchObject({
      options: { duration: 500, port: 9000 },
    });
  });

  it.each(['0', '-1', '', 'soon', '86401', 'NaN'])('refuses "%s" for a number of seconds', (seconds) => {
    expect(problemIn(`--for=${seconds}`)).toBe(`--for wants seconds, at most 86400, not "${seconds}"`);
  });

  it.each(['0', '65536', '80.5', '', 'http'])('refuses "%s" for a port', (port) => {
    expect(problemIn(`--port=${port}`)).toBe(`--port wants a number from 1 to 65535, not "${port}"`);
  });

  it.each(['cut', 'restore'] as const)('knows whom to %s, and in which playground', (verb) => {
    expect(parseErrand([verb, 'north', '--id', '77'])._unsafeUnwrap()).toEqual({
      kind: verb,
      provider: 'north',
      id: '77',
    });
  });

  it.each([
    [['cut'], 'say which provider to cut: hurricane playground cut NAME'],
    [['cut', 'north', 'south'], '"south" is one word too many'],
    [['status', 'north'], '"north" is one word too many'],
    [['mend'], '"mend" is not one of cut, restore, status'],
    [['--encapsulation', 'gre'], '"gre" is not one of sit, socat, veth'],
    [['--simulated', '--encapsulation', 'sit'], '--simulated carries no packets: leave out --encapsulation'],
  ])('refuses %j', (args, problem) => {
    expect(problemIn(...args)).toBe(problem);
  });

  it('refuses options it does not know', () => {
    expect(problemIn('--fast')).toContain("Unknown option '--fast'");
  });
});
