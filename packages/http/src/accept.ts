/**
 * Whether a client that sent this Accept field takes an answer of that media type (RFC 9110 section 12.5.1).
 *
 * @param accept null: it did not say, and takes anything.
 */
export function accepts(accept: string | null, type: string): boolean {
  if (accept === null || accept === '*/*' || accept.trim() === '') return true;
  const plain = type.split(';')[0] ?? type;
  const family = `${plain.slice(0, plain.indexOf('/'))}/*`;
  const ranges = accept.toLowerCase().split(',').map(rangeOf);
  // The most specific range that fits decides, so that `*/*, text/html;q=0` leaves HTML out.
  for (const wanted of [plain, family, '*/*']) {
    const fitting = ranges.filter(({ range }) => range === wanted);
    if (fitting.length > 0) return fitting.some(({ refused }) => !refused);
  }
  return false;
}

function rangeOf(text: string): { readonly range: string; readonly refused: boolean } {
  const [range = '', ...parameters] = text.split(';').map((part) => part.trim());
  return { range, refused: parameters.some((parameter) => /^q\s*=\s*0(\.0*)?$/.test(parameter)) };
}
