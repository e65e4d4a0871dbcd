import { expect, it } from 'vitest';
import { Timetable } from './timetable.js';
import { VirtualClock } from './virtual-clock.js';

it('lets what may wait happen together with what may not, each told its own time', async () => {
  const { clock, table, log } = timetable();
  table.at(100, 10, log('patient'));
  table.at(105, 0, log('punctual'));

  await clock.runUntil(200);

  expect(log.lines).toEqual(['105 punctual of 105', '105 patient of 100']);
});

it('lets nothing wait for longer than it may', async () => {
  const { clock, table, log } = timetable();
  table.at(100, 10, log('patient'));
  table.at(120, 0, log('punctual'));

  await clock.runUntil(200);

  expect(log.lines).toEqual(['110 patient of 100', '120 punctual of 120']);
});

it('lets nothing happen before its time', async () => {
  const { clock, table, log } = timetable();
  table.at(101, 10, log('patient'));
  table.at(100, 0, log('punctual'));

  await clock.runUntil(200);

  expect(log.lines).toEqual(['100 punctual of 100', '111 patient of 101']);
});

it('arms one timer, for whatever comes first', async () => {
  const { clock, table, log } = timetable();
  for (let i = 0; i < 20; i += 1) table.at(200 - i, 0, log(`${i}`));

  const armed = clock.pending();
  await clock.runUntil(200);

  expect(armed).toEqual(['probe']);
  expect(log.lines).toHaveLength(20);
  expect(clock.pending()).toEqual([]);
});

it('takes on more while something happens', async () => {
  const { clock, table, log } = timetable();
  table.at(100, 0, () => {
    table.at(90, 0, log('overdue'));
    table.at(150, 0, log('later'));
  });

  await clock.runUntil(200);

  expect(log.lines).toEqual(['100 overdue of 90', '150 later of 150']);
});

function timetable() {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const log = (name: string) => (from: number) => lines.push(`${clock.now()} ${name} of ${from}`);
  return { clock, table: new Timetable(clock, 'probe'), log: Object.assign(log, { lines }) };
}
