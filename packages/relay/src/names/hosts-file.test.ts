import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualClock } from '@hurricane/core/testing';
import { afterEach, expect, test } from 'vitest';
import { hostsFile, namesIn } from './hosts-file.js';

let folder: string | null = null;
afterEach(async () => {
  if (folder !== null) await rm(folder, { recursive: true });
  folder = null;
});

async function aFile(text: string): Promise<string> {
  folder = await mkdtemp(join(tmpdir(), 'hurricane-hosts-'));
  const path = join(folder, 'hosts');
  await writeFile(path, text);
  return path;
}

test('reads lines of an address and its names, and passes over everything else', () => {
  const names = namesIn('# head\n192.0.2.1\tA.example b # c\n\n2001:db8::1 a.example\njunk x\n192.0.2.2\n');

  expect([...names]).toEqual([
    ['a.example', ['192.0.2.1', '2001:db8::1']],
    ['b', ['192.0.2.1']],
  ]);
});

test('tells no such name from a name without an address of that family', async () => {
  const hosts = hostsFile(await aFile('192.0.2.1 a.example\n'), new VirtualClock());

  expect(await hosts.lookUp('a.example', 4)).toEqual(['192.0.2.1']);
  expect(await hosts.lookUp('a.example', 6)).toEqual([]);
  expect(await hosts.lookUp('b.example', 4)).toBeNull();
});

test('sees a change five seconds later', async () => {
  const clock = new VirtualClock();
  const path = await aFile('192.0.2.1 a.example\n');
  const hosts = hostsFile(path, clock);
  await hosts.lookUp('a.example', 4);
  await writeFile(path, '192.0.2.2 a.example\n');

  expect(await hosts.lookUp('a.example', 4)).toEqual(['192.0.2.1']);
  await clock.runFor(5_001);
  expect(await hosts.lookUp('a.example', 4)).toEqual(['192.0.2.2']);
});

test('a file that is not there has no names', async () => {
  expect(await hostsFile('/nowhere/hosts', new VirtualClock()).lookUp('a.example', 4)).toBeNull();
});
