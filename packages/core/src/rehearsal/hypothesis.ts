import type { Millis } from '../units.js';

/** What is supposed to happen to the tunnels, from one moment on. */
export type Hypothesis =
  /** Nothing comes back through the tunnel any more, while its interface stays and the path to its server answers. */
  | { readonly kind: 'silent'; readonly tunnel: string }
  /** The tunnel's interface is deleted. */
  | { readonly kind: 'interface_gone'; readonly tunnel: string }
  /** @param loss 0 to 1. */
  | { readonly kind: 'lossy'; readonly tunnel: string; readonly loss: number }
  | { readonly kind: 'slow'; readonly tunnel: string; readonly latency: Millis }
  /** The IPv4 line beneath all tunnels carries nothing. */
  | { readonly kind: 'line_down' }
  /** The probe targets answer nobody, and the providers do. */
  | { readonly kind: 'targets_silent' }
  /** The operator takes the tunnel down. */
  | { readonly kind: 'lowered'; readonly tunnel: string }
  /** The operator asks for the tunnel. */
  | { readonly kind: 'preferred'; readonly tunnel: string }
  /** All stays as it is. */
  | { readonly kind: 'nothing' };

/** Completes "Suppose that …". */
export function describeHypothesis(supposed: Hypothesis, lasts: Millis | null): string {
  const time = lasts === null ? '' : ` for ${lasts / 1_000} s`;
  switch (supposed.kind) {
    case 'silent':
      return `nothing comes back through ${supposed.tunnel}${time}`;
    case 'interface_gone':
      return `the interface of ${supposed.tunnel} is deleted`;
    case 'lossy':
      return `${supposed.tunnel} loses ${Math.round(supposed.loss * 100)} % of its packets${time}`;
    case 'slow':
      return `${supposed.tunnel} takes ${supposed.latency} ms for a round trip${time}`;
    case 'line_down':
      return `the IPv4 line beneath all tunnels carries nothing${time}`;
    case 'targets_silent':
      return `the probe targets answer nobody${time}`;
    case 'lowered':
      return `${supposed.tunnel} is taken down`;
    case 'preferred':
      return `${supposed.tunnel} is asked for`;
    case 'nothing':
      return 'all stays as it is';
  }
}
