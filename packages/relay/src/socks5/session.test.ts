import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Action, judged, openSession, receive, type Session } from './session.js';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const CONNECT = '05 01 00 01 c0000201 0050';
const AUTH = '01 02 6d65 02 7077';

/** What came of bytes, in the order it came; passwords are judged as soon as they are shown. */
function run(method: 'none' | 'password', chunks: readonly Uint8Array[], accepted = true): readonly string[] {
  let session = openSession(method);
  const told: string[] = [];
  const take = (step: { readonly session: Session; readonly actions: readonly Action[] }): void => {
    session = step.session;
    for (const action of step.actions) {
      told.push(describeAction(action));
      if (action.type === 'verify') take(judged(session, accepted));
    }
  };
  for (const chunk of chunks) take(receive(session, chunk));
  return told;
}

function describeAction(action: Action): string {
  const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');
  switch (action.type) {
    case 'send':
      return `send ${hex(action.bytes)}`;
    case 'verify':
      return `verify ${hex(action.credentials.username)} ${hex(action.credentials.password)}`;
    case 'serve':
      return `serve ${action.request.command} rest=${hex(action.rest)}`;
    case 'end':
      return `end ${action.why.kind}${action.why.kind === 'bad_request' ? ` ${action.why.fault}` : ''}`;
  }
}

const whole = (hex: string): readonly Uint8Array[] => [bytes(hex)];
const dribbled = (hex: string): readonly Uint8Array[] => Array.from(bytes(hex), (byte) => Uint8Array.of(byte));

describe.each([
  ['in one segment (neg-coalesced)', whole],
  ['one byte at a time (neg-split)', dribbled],
])('%s', (_how, cut) => {
  test('without a password', () => {
    expect(run('none', cut(`05 01 00 ${CONNECT}`))).toEqual(['send 0500', 'serve connect rest=']);
  });

  test('with a password', () => {
    const told = ['send 0502', 'verify 6d65 7077', 'send 0100', 'serve connect rest='];

    expect(run('password', cut(`05 02 00 02 ${AUTH} ${CONNECT}`))).toEqual(told);
  });

  test('a wrong password ends it (16)', () => {
    const told = ['send 0502', 'verify 6d65 7077', 'send 0101', 'end rejected'];

    expect(run('password', cut(`05 01 02 ${AUTH} ${CONNECT}`), false)).toEqual(told);
  });
});

test('keeps what comes behind the request (30)', () => {
  expect(run('none', whole(`05 01 00 ${CONNECT} 474554`))).toEqual(['send 0500', 'serve connect rest=474554']);
});

test.each([
  ['none', '04 01 00 50', ['end not_socks5']], // neg-ver
  ['none', '47', ['end not_socks5']],
  ['none', '05 00', ['send 05ff', 'end no_method']], // neg-nmethods-0
  ['none', '05 01 02', ['send 05ff', 'end no_method']], // neg-none
  ['none', '05 01 01', ['send 05ff', 'end no_method']], // neg-gssapi-only
  ['password', '05 01 00', ['send 05ff', 'end no_method']], // neg-pref: never what was not offered
  ['password', '05 02 00 02', ['send 0502']], // neg-pref
  ['password', '05 01 02 02', ['send 0502', 'send 0101', 'end bad_password_message']], // 15
  ['password', '05 01 02 01 00', ['send 0502', 'send 0101', 'end bad_password_message']], // 12
  ['password', '05 01 02 01 01 61 00', ['send 0502', 'send 0101', 'end bad_password_message']],
  ['none', `05 01 00 ${AUTH}`, ['send 0500', 'send 05010001000000000000', 'end bad_request wrong_version']], // 18
  ['none', '05 01 00 05 09 00 01', ['send 0500', 'send 05070001000000000000', 'end bad_request unknown_command']],
  ['none', '05 01 00 05 01 00 02', ['send 0500', 'send 05080001000000000000', 'end bad_request unknown_address_type']],
  ['none', '05 01 00 05 01 01 01', ['send 0500', 'send 05010001000000000000', 'end bad_request reserved_not_zero']],
  ['none', '05 01 00 05 01 00 03 00', ['send 0500', 'send 05010001000000000000', 'end bad_request empty_name']],
] as const)('%s: %s', (method, hex, told) => {
  expect(run(method, whole(hex))).toEqual(told);
  expect(run(method, dribbled(hex))).toEqual(told);
  // neg-extra-garbage: what follows changes nothing.
  if (told.at(-1)?.startsWith('end') === true) expect(run(method, whole(`${hex} ffffff`))).toEqual(told);
});

test('waits for the verdict before it reads on', () => {
  const shown = receive(openSession('password'), bytes(`05 01 02 ${AUTH} ${CONNECT}`));
  const more = receive(shown.session, bytes('aa'));

  expect(shown.session.phase).toBe('verdict');
  expect(more.actions).toEqual([]);
  expect(judged(more.session, true).actions.map(describeAction)).toEqual(['send 0100', 'serve connect rest=aa']);
});

test('a verdict that nobody asked for is nothing', () => {
  expect(judged(openSession('none'), true)).toEqual({ session: openSession('none'), actions: [] });
});

test('any bytes, cut anywhere, come to the same', () => {
  const start = fc.constantFrom('', '05', '0501', '050100', `050100 ${CONNECT}`, `050102 ${AUTH}`, '05010005010003');
  const stream = fc.tuple(start, fc.uint8Array({ maxLength: 40 })).map(([s, rest]) => [...bytes(s), ...rest]);

  fc.assert(
    fc.property(
      stream,
      fc.array(fc.nat(60)),
      fc.constantFrom('none' as const, 'password' as const),
      (all, cuts, method) => {
        const places = [...new Set([0, ...cuts.filter((c) => c < all.length), all.length])].sort((a, b) => a - b);
        const parts = places.slice(1).map((to, i) => Uint8Array.from(all.slice(places[i], to)));
        // What follows the request may come in any number of pieces, so it is left out.
        const upToRest = (told: readonly string[]): readonly string[] => told.map((t) => t.replace(/rest=.*/, ''));
        expect(upToRest(run(method, parts))).toEqual(upToRest(run(method, [Uint8Array.from(all)])));
      },
    ),
    { numRuns: 1_000 },
  );
});
