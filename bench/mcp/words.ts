export function us(ms: number): string {
  return `${(ms * 1_000).toFixed(0)} µs`;
}

export function verdict(met: boolean, goal: string): string {
  return `${goal}: ${met ? 'met' : '**missed**'}`;
}
