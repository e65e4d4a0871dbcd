import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@hurricane/core';
import { settled, VirtualClock } from '@hurricane/core/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { dnsResolver, LOOKUP_LIMIT, LOOKUPS_AT_MOST } from './dns-resolver.js';
import { aDnsServer, type DnsAnswer, type DnsServer, type Question } from './dns-server.test-support.js';
import { ADDRESSES_AT_MOST, type Resolver, usableAddresses } from './resolver.js';

const forever = (): AbortSignal => new AbortController().signal;
const of = (...addresses: readonly string[]): DnsAnswer => ({ kind: 'addresses', addresses });

let server: DnsServer;
let say: (question: Question) => DnsAnswer | null = () => null;
beforeEach(async () => {
  server = await aDnsServer((question) => say(question));
});
afterEach(() => server.close());

function aResolver(hosts: string | null = null): Resolver {
  return dnsResolver({ clock: systemClock, servers: [server.place], hosts });
}

describe('a name server', () => {
  test('is asked for each family apart', async () => {
    say = ({ type }) => (type === 'AAAA' ? of('2001:db8::1') : of('192.0.2.1', '192.0.2.2'));
    const resolver = aResolver();

    expect((await resolver.resolve('a.example', 6, forever()))._unsafeUnwrap()).toEqual(['2001:db8::1']);
    expect(server.asked).toEqual(['a.example AAAA']);
    expect((await resolver.resolve('a.example', 4, forever()))._unsafeUnwrap()).toEqual(['192.0.2.1', '192.0.2.2']);
  });

  test('that has nothing of the kind, no such name, or a fault of its own', async () => {
    const resolver = aResolver();
    const after = async (answer: DnsAnswer): Promise<unknown> => {
      say = () => answer;
      return (await resolver.resolve('a.example', 6, forever())).match<unknown>(
        (found) => found,
        (error) => error,
      );
    };

    expect(await after(of())).toEqual([]);
    expect(await after({ kind: 'rcode', rcode: 3 })).toEqual({ kind: 'not_found' });
    expect(await after({ kind: 'rcode', rcode: 2 })).toEqual({ kind: 'failed', code: 'ESERVFAIL' });
    expect(await after({ kind: 'rcode', rcode: 5 })).toEqual({ kind: 'failed', code: 'EREFUSED' });
  });

  test('knows the name of an address', async () => {
    say = () => ({ kind: 'names', names: ['a.example'] });

    expect((await aResolver().reverse('192.0.2.1', forever()))._unsafeUnwrap()).toEqual(['a.example']);
    expect(server.asked).toEqual(['1.2.0.192.in-addr.arpa PTR']);
  });

  test('that answers 200 addresses is heard, and eight of them are used', async () => {
    const many = Array.from({ length: 200 }, (_, i) => `2001:db8::${(i + 1).toString(16)}`);
    say = () => of(...many);

    const answer = (await aResolver().resolve('a.example', 6, forever()))._unsafeUnwrap();

    expect(answer).toEqual(many);
    expect(usableAddresses(answer, 6)).toEqual(many.slice(0, ADDRESSES_AT_MOST));
  });

  test('that lies gets nowhere: mapped addresses, others of the family that was not asked for, nonsense', async () => {
    say = () => of('127.0.0.1', '2001:db8::1', '2001:db8::1');

    const answer = (await aResolver().resolve('a.example', 6, forever()))._unsafeUnwrap();

    expect(answer).toHaveLength(3);
    expect(usableAddresses(answer, 6)).toEqual(['2001:db8::1']);
    expect(usableAddresses(['2001:db8::1', '192.0.2.1', 'x', '', '1.2.3', '192.0.2.1'], 4)).toEqual(['192.0.2.1']);
  });

  test('that says something which is no answer is taken for one that says nothing', async () => {
    say = () => ({ kind: 'raw', bytes: Uint8Array.of(1, 2, 3) });
    const stop = new AbortController();
    const asking = aResolver().resolve('a.example', 6, stop.signal);
    while (server.asked.length === 0) await settled();

    stop.abort();

    expect((await asking)._unsafeUnwrapErr()).toEqual({ kind: 'aborted' });
  });

  test('that says nothing is waited for so long and no longer, and so many at a time', async () => {
    say = () => null;
    const clock = new VirtualClock();
    const resolver = dnsResolver({ clock, servers: [server.place], hosts: null });
    const asking = Array.from({ length: LOOKUPS_AT_MOST }, (_, i) => resolver.resolve(`n${i}.example`, 6, forever()));
    await settled();

    const surplus = await resolver.resolve('more.example', 6, forever());
    await clock.runFor(LOOKUP_LIMIT);
    const answers = await Promise.all(asking);

    expect(surplus._unsafeUnwrapErr()).toEqual({ kind: 'busy', limit: LOOKUPS_AT_MOST });
    expect(new Set(answers.map((a) => a._unsafeUnwrapErr().kind))).toEqual(new Set(['timed_out']));
  });
});

describe('what the machine knows itself', () => {
  test('is not asked for: localhost, and what is below it', async () => {
    const resolver = aResolver();

    expect((await resolver.resolve('localhost', 6, forever()))._unsafeUnwrap()).toEqual(['::1']);
    expect((await resolver.resolve('a.localhost', 4, forever()))._unsafeUnwrap()).toEqual(['127.0.0.1']);
    expect(server.asked).toEqual([]);
  });

  test('hosts(5) comes before name servers', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hurricane-names-'));
    await writeFile(join(folder, 'hosts'), '2001:db8::5 a.example\n');
    say = () => of('192.0.2.1');
    const resolver = aResolver(join(folder, 'hosts'));

    expect((await resolver.resolve('a.example', 6, forever()))._unsafeUnwrap()).toEqual(['2001:db8::5']);
    expect((await resolver.resolve('a.example', 4, forever()))._unsafeUnwrap()).toEqual([]);
    expect((await resolver.resolve('b.example', 4, forever()))._unsafeUnwrap()).toEqual(['192.0.2.1']);
    expect(server.asked).toEqual(['b.example A']);
    await rm(folder, { recursive: true });
  });
});
