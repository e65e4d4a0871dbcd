import { CHANNELS, RTT_MS, verdictsOn } from './lossy-tunnel.js';

// DAYS=30 SEED=1 npm run bench:false-alarms

const DAYS = Number(process.env['DAYS'] ?? 30);
const SEED = Number(process.env['SEED'] ?? 1);

console.log(`One tunnel, ${DAYS} days, round trip ${RTT_MS} ms, no other traffic, seed ${SEED}`);
console.log(
  `${'channel'.padEnd(24)}${['probes', 'suspicions', 'soft downs', 'hard downs', 'goal'].map(cell).join('')}`,
);
let missed = 0;
for (const channel of CHANNELS) {
  const { probes, suspects, soft, hard } = verdictsOn(channel, DAYS, SEED);
  if (hard > channel.goal) missed += 1;
  console.log(`${channel.name.padEnd(24)}${[probes, suspects, soft, hard, `<= ${channel.goal}`].map(cell).join('')}`);
}
process.exitCode = missed === 0 ? 0 : 1;

function cell(value: number | string): string {
  return String(value).padStart(13);
}
