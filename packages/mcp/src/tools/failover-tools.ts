import { type FailoverExplanation, type Hypothesis, type Millis, Rehearsal } from '@hurricane/core';
import { err, ok, type Result } from 'neverthrow';
import { type Arguments, inputSchema } from '../json-schema.js';
import { OUTPUT } from '../output-schemas.js';
import type { Sources } from '../sources.js';
import { explanationText, rehearsalText } from '../texts/failover-text.js';
import { type Call, LOOKS, type Tool, type ToolAnswer } from '../tool.js';
import type { ToolError } from '../tool-error.js';
import { turn } from '../turns.js';
import { TUNNEL_NAME } from '../words.js';
import { knownTunnel } from './status-tools.js';

/** Moves of the route that are told unless more are asked for; each has all candidates. */
const SWITCHES_TOLD = 5;

/** Steps of a simulation that are taken before others get their turn: one to two milliseconds, mostly. */
const STEPS_AT_ONCE = 50;

/** How far a simulation looks unless told otherwise: two checks of the score. */
const LOOK_AHEAD_S = 120;

const FAULTS = [
  'silent',
  'interface_gone',
  'lossy',
  'slow',
  'line_down',
  'targets_silent',
  'lowered',
  'preferred',
  'nothing',
] as const;

export function failoverTools(sources: Sources): readonly Tool[] {
  return [
    {
      name: 'explain_failover',
      title: 'Why this primary',
      description:
        'Why the present primary tunnel has the default route, what speaks against each of the others, ' +
        'what would have to happen for a switch, and the latest switches.',
      annotations: LOOKS,
      inputSchema: inputSchema({
        switches: {
          type: 'integer',
          minimum: 0,
          maximum: 50,
          default: SWITCHES_TOLD,
          description: 'How many past switches to tell.',
        },
      }),
      outputSchema: OUTPUT.explanation,
      run: ({ switches = SWITCHES_TOLD }) => {
        if (sources.insight === undefined) return err({ kind: 'not_offered', what: 'explanations' });
        const whole = sources.insight.explain();
        const document: FailoverExplanation = { ...whole, switches: whole.switches.slice(0, Number(switches)) };
        return ok({ document, text: explanationText(document) });
      },
    },
    {
      name: 'simulate_failover',
      title: 'What would happen if',
      description:
        "Runs the gateway's own judgement forward from its live state with a supposed fault and tells what it " +
        'would do and when. Nothing is touched: neither the network nor the running gateway.',
      annotations: LOOKS,
      inputSchema: inputSchema(
        {
          fault: {
            type: 'string',
            enum: FAULTS,
            description:
              'silent: nothing comes back through the tunnel. interface_gone: its interface is deleted. lossy, slow: ' +
              'as loss_percent and latency_ms say. line_down: the IPv4 line carries nothing. targets_silent: the ' +
              'probe targets answer nobody. lowered, preferred: what an operator may ask for. nothing: all stays.',
          },
          tunnel: { ...TUNNEL_NAME, description: 'Which tunnel is struck; left out: the primary.' },
          loss_percent: { type: 'number', minimum: 0, maximum: 100, default: 30, description: 'With fault "lossy".' },
          latency_ms: { type: 'integer', minimum: 1, maximum: 60_000, default: 600, description: 'With fault "slow".' },
          lasts_s: { type: 'number', minimum: 0.1, maximum: 600, description: 'Until it is over; left out: it stays.' },
          look_ahead_s: {
            type: 'number',
            minimum: 1,
            maximum: 600,
            default: LOOK_AHEAD_S,
            description: 'How far to look ahead.',
          },
        },
        ['fault'],
      ),
      outputSchema: OUTPUT.rehearsal,
      run: (given, call) => simulate(given, call, sources),
    },
  ];
}

async function simulate(given: Arguments, { signal, progress }: Call, { gateway }: Sources): Promise<ToolAnswer> {
  const { state, clock } = gateway;
  if (state === undefined || clock === undefined) return err({ kind: 'not_offered', what: 'simulation' });
  const supposed = hypothesisIn(given, { gateway });
  if (supposed.isErr()) return err(supposed.error);
  const { lasts_s: lasts, look_ahead_s: ahead = LOOK_AHEAD_S } = given;
  const length: Millis = Number(ahead) * 1_000;
  const rehearsal = new Rehearsal({
    state,
    now: clock.now(),
    supposed: supposed.value,
    lasts: lasts === undefined ? null : Number(lasts) * 1_000,
    length,
  });
  let told = 0;
  while (!rehearsal.advance(STEPS_AT_ONCE)) {
    await turn();
    if (signal.aborted) return err({ kind: 'called_off' });
    const passed = Math.floor(rehearsal.passed / 1_000);
    if (passed > told) await progress(passed, Number(ahead), `${passed} s looked ahead`);
    told = passed;
  }
  const document = rehearsal.view();
  return ok({ document, text: rehearsalText(document) });
}

function hypothesisIn(given: Arguments, { gateway }: Pick<Sources, 'gateway'>): Result<Hypothesis, ToolError> {
  const kind = FAULTS.find((fault) => fault === given['fault']) ?? 'nothing';
  if (kind === 'line_down' || kind === 'targets_silent' || kind === 'nothing') return ok({ kind });
  const status = gateway.status();
  const asked = given['tunnel'] ?? status.primary;
  if (asked === null) return err({ kind: 'bad_arguments', faults: ['There is no primary: say which "tunnel".'] });
  return knownTunnel(status, String(asked)).map((tunnel) => {
    if (kind === 'lossy') return { kind, tunnel, loss: Number(given['loss_percent'] ?? 30) / 100 };
    return kind === 'slow' ? { kind, tunnel, latency: Number(given['latency_ms'] ?? 600) } : { kind, tunnel };
  });
}
