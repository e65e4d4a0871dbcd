import { describe, expect, it } from 'vitest';
import { type News, sentenceOf } from './news.js';

const state = { tunnel: 'he', iface: 'he0', address: null, carrier: null, fault: null, retryIn: null } as const;
const up = { ...state, type: 'tunnel_state', from: 'starting', to: 'up' } as const;
const failed = { ...state, type: 'tunnel_state', from: 'starting', to: 'failed' } as const;
const switched = { type: 'failed_over', from: 'he-primary', to: 'wg-backup', fromScore: 25, toScore: 85 } as const;
const liveness = { type: 'tunnel_liveness', tunnel: 'he', primary: false, unrest: 1 } as const;

const SENTENCES: readonly (readonly [string, News])[] = [
  // README "Monitoring Failover", word for word.
  [
    'info: Selected primary tunnel: he-primary (health: 95)',
    { type: 'primary_selected', primary: 'he-primary', score: 95 },
  ],
  [
    'warn: Primary tunnel he-primary health degraded: 25/100',
    { type: 'primary_degraded', primary: 'he-primary', score: 25 },
  ],
  ['info: Failing over from he-primary to wg-backup (health: 25 -> 85)', { ...switched, reason: 'degraded' }],
  ['info: Failing over from he-primary to wg-backup (health: 25 -> 85)', { ...switched, reason: 'not_up' }],
  ['info: Failing back from he-primary to wg-backup (health: 25 -> 85)', { ...switched, reason: 'failback' }],
  ['info: Failing back from he-primary to wg-backup (health: 25 -> 85)', { ...switched, reason: 'better_path' }],
  ['info: Switching from he-primary to wg-backup as asked (health: 25 -> 85)', { ...switched, reason: 'preferred' }],
  ['info: Tunnel he was asked for: it has the route whenever it is well', { type: 'preferred', tunnel: 'he' }],
  ['info: The primary is chosen by rank again', { type: 'preferred', tunnel: null }],
  ['info: Gateway started with 1 tunnel', { type: 'started', tunnels: 1 }],
  ['info: Gateway started with 2 tunnels', { type: 'started', tunnels: 2 }],
  ['info: Gateway stopped', { type: 'stopped' }],
  ['info: Tunnel he is up on he0', up],
  [
    'info: Tunnel he is up on he0 with 2001:db8::2 (kernel sit)',
    { ...up, address: '2001:db8::2', carrier: 'kernel sit' },
  ],
  ['info: Tunnel he is down', { ...state, type: 'tunnel_state', from: 'stopping', to: 'down' }],
  ['debug: Tunnel he: down -> starting', { ...state, type: 'tunnel_state', from: 'down', to: 'starting' }],
  [
    'error: Tunnel he failed: there is no interface "he0"; next try in 1 s',
    { ...failed, fault: { kind: 'interface_missing', iface: 'he0' }, retryIn: 1_000 },
  ],
  [
    'error: Tunnel he failed: no answer within 15 s; next try in 0.1 s',
    { ...failed, fault: { kind: 'timed_out', after: 15_000 }, retryIn: 1 },
  ],
  ['debug: Tunnel he: starting -> called off', { ...failed, fault: { kind: 'aborted' }, retryIn: 1_000 }],
  ['debug: Tunnel he: alive -> suspect', { ...liveness, from: 'alive', to: 'suspect' }],
  ['debug: Tunnel he has stopped answering', { ...liveness, from: 'suspect', to: 'soft_down' }],
  ['warn: Primary tunnel he has stopped answering', { ...liveness, primary: true, from: 'suspect', to: 'soft_down' }],
  ['warn: Tunnel he is unreachable', { ...liveness, from: 'soft_down', to: 'hard_down' }],
  [
    'warn: Tunnel he is unreachable again and again: further changes are for debugging',
    { ...liveness, from: 'soft_down', to: 'hard_down', unrest: 3 },
  ],
  ['debug: Tunnel he is unreachable', { ...liveness, from: 'soft_down', to: 'hard_down', unrest: 4 }],
  ['debug: Tunnel he answers again', { ...liveness, from: 'hard_down', to: 'alive', unrest: 4 }],
  ['info: Tunnel he answers again', { ...liveness, from: 'hard_down', to: 'alive' }],
  ['debug: Tunnel he answers again', { ...liveness, from: 'suspect', to: 'alive' }],
  [
    'info: Tunnel he reaches 2001:db8::b but not 2001:db8::a: probing 2001:db8::b',
    { type: 'target_switched', tunnel: 'he', from: '2001:db8::a', to: '2001:db8::b' },
  ],
  [
    'error: Cannot probe tunnel he: "ping" is not installed',
    { type: 'probing_failed', tunnel: 'he', fault: { kind: 'missing_tool', tool: 'ping', install: null } },
  ],
  ['error: No healthy backup for he: traffic stays on it until one is fit', { type: 'no_backup', primary: 'he' }],
  ['error: Primary tunnel he is gone and no tunnel can replace it', { type: 'primary_lost', primary: 'he' }],
  [
    'error: Cannot set the default route: it was called off; next try in 2 s',
    { type: 'route_failed', fault: { kind: 'aborted' }, retryIn: 2_000 },
  ],
  [
    'info: Configuration reloaded: 1 added, 2 removed, 3 changed',
    { type: 'reloaded', added: 1, removed: 2, changed: 3 },
  ],
];

describe('the log', () => {
  it.each(SENTENCES)('says "%s"', (expected, news) => {
    const { level, text } = sentenceOf(news);

    expect(`${level}: ${text}`).toBe(expected);
  });
});
