import { setImmediate as breathe } from 'node:timers/promises';
import { CHANNELS, type Channel, verdictsOn } from '../../lossy-tunnel.js';
import type { Effort } from '../effort.js';
import type { Line, Progress, Row } from '../row.js';

/** Simulated: the judgement is real, time and packets are not. `npm run bench:false-alarms` tells more of it. */
export const falseAlarms: Row = {
  name: 'false-alarms',
  about: 'a tunnel that only loses packets: how often it is called unreachable (simulated)',
  needs: {},
  measure: async (effort, say) => {
    const found = new Map<Channel, number>();
    for (const channel of CHANNELS) found.set(channel, await hardDowns(channel, effort, say));
    return CHANNELS.map((channel) => lineOf(channel, found.get(channel) ?? Number.NaN, effort));
  },
};

/** Day by day, so that whoever waits can call it off. */
async function hardDowns(channel: Channel, { days }: Effort, say: Progress): Promise<number> {
  let sum = 0;
  for (let day = 0; day < days; day += 1) {
    sum += verdictsOn(channel, 1, 2 * day + 1).hard;
    say(`${channel.name}, day ${day + 1} of ${days}`);
    await breathe();
  }
  return sum;
}

function lineOf({ name, goal, dpinger }: Channel, hard: number, { days }: Effort): Line {
  return {
    what: `false hard downs, loss ${name}`,
    unit: 'alarms',
    values: [hard],
    goal: [{ of: 'max', atMost: goal }],
    n: `${days} simulated days${days < 30 ? ' of the 30 the goal is for' : ''}`,
    anchors: `pfSense (dpinger) ${dpinger} in 30 days [S]`,
  };
}
