export type LivenessKind = 'unknown' | 'alive' | 'suspect' | 'soft_down' | 'hard_down';
