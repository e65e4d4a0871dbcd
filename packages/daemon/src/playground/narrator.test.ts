import type { Millis } from '@hurricane/core';
import { describe, expect, it } from 'vitest';
import { Narrator } from './narrator.js';
import type { Report } from './reports.js';

const NORTH = '2001:db8:1::2';
const SOUTH = '2001:db8:2::2';

describe('the narrator', () => {
  it('counts from the cut to the first answer through the other provider', () => {
    const { narrator, said } = listening();
    narrator.report(traffic(NORTH, 1_000, 0));
    narrator.deed({ what: 'cut', provider: 'north', at: 5_000 });
    narrator.report(traffic(SOUTH, 5_730, 740));

    expect(said.at(-1)).toBe(
      `>> The application gets answers again, 0.73 s after the cut: the Internet sees ${SOUTH} (south)`,
    );
  });

  it('does not blame a cut for an answer that came before it', () => {
    const { narrator, said } = listening();
    narrator.report(traffic(NORTH, 1_000, 0));
    narrator.deed({ what: 'cut', provider: 'north', at: 5_000 });
    narrator.report(traffic(SOUTH, 4_990, 20));
    narrator.report(traffic(NORTH, 5_900, 900));

    expect(said.at(-2)).toContain('goes on without a gap');
    expect(said.at(-1)).toContain('0.90 s after the cut');
  });

  it('does not blame the cut of a provider that carried nothing', () => {
    const { narrator, said } = listening();
    narrator.report(traffic(NORTH, 1_000, 0));
    narrator.deed({ what: 'cut', provider: 'south', at: 5_000 });
    narrator.report(traffic(SOUTH, 9_000, 700));

    expect(said.at(-1)).toContain('goes on after 0.70 s without an answer');
  });

  it.each([
    [99, 'without a gap'],
    [100, 'after 0.10 s without an answer'],
  ])('calls %d ms of silence "%s"', (silence, words) => {
    const { narrator, said } = listening();
    narrator.report(traffic(SOUTH, 1_000, 0));
    narrator.report(traffic(NORTH, 2_000, silence));

    expect(said.at(-1)).toBe(`>> The application goes on ${words}: the Internet sees ${NORTH} (north)`);
  });

  it('dates what it is told late by when it happened', () => {
    const written: string[] = [];
    const narrator = new Narrator((text) => written.push(text), false);
    const wall = new Date(2025, 0, 2, 3, 4, 5, 67).getTime();
    narrator.report({ kind: 'log', level: 'info', text: 'Gateway started with 2 tunnels', wall });

    expect(written).toEqual(['03:04:05.067  Gateway started with 2 tunnels\n']);
  });
});

const traffic = (source: string, at: Millis, silence: Millis): Report => ({
  kind: 'traffic',
  source,
  at,
  silence,
  wall: 0,
});

/** What it says, without times of day. */
function listening(): { readonly narrator: Narrator; readonly said: readonly string[] } {
  const said: string[] = [];
  const narrator = new Narrator((text) => said.push(text.trimEnd().replace(/^\S+ {2}/, '')), false);
  return { narrator, said };
}
