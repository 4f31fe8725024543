// IP addresses as text and as bytes. Text is canonical (RFC 5952 for IPv6), so that equal addresses are equal strings.

/** The 4 or 16 bytes of an address in text; null when it is not one. A prefix length behind a slash is not accepted. */
export function parseAddress(text: string): Uint8Array | null {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

export function parseIpv4(text: string): Uint8Array | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  const bytes = new Uint8Array(4);
  for (let i = 0; i < 4; i++) {
    const part = parts[i]!;
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return null;
    bytes[i] = Number(part);
  }
  return bytes;
}

export function parseIpv6(text: string): Uint8Array | null {
  let rest = text;
  const tail: number[] = [];
  const dot = rest.lastIndexOf(':');
  if (rest.includes('.')) {
    const v4 = parseIpv4(rest.slice(dot + 1));
    if (!v4) return null;
    tail.push((v4[0]! << 8) | v4[1]!, (v4[2]! << 8) | v4[3]!);
    rest = rest.slice(0, dot + 1);
    if (rest.endsWith(':') && !rest.endsWith('::')) rest = rest.slice(0, -1);
  }
  const halves = rest.split('::');
  if (halves.length > 2) return null;
  const group = (half: string): number[] | null => {
    if (half === '') return [];
    const words = half.split(':').map((w) => (/^[0-9a-fA-F]{1,4}$/.test(w) ? Number.parseInt(w, 16) : -1));
    return words.includes(-1) ? null : words;
  };
  const head = group(halves[0]!);
  const end = halves.length === 2 ? group(halves[1]!) : [];
  if (!head || !end) return null;
  const last = [...(halves.length === 2 ? end : []), ...tail];
  const missing = 8 - head.length - last.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const words = [...head, ...new Array<number>(missing).fill(0), ...last];
  const bytes = new Uint8Array(16);
  words.forEach((w, i) => {
    bytes[2 * i] = w >>> 8;
    bytes[2 * i + 1] = w & 0xff;
  });
  return bytes;
}

/** Canonical text of `length` (4 or 16) address bytes at `offset`. */
export function formatAddress(b: Uint8Array, offset: number, length: number): string {
  if (length === 4) return `${b[offset]}.${b[offset + 1]}.${b[offset + 2]}.${b[offset + 3]}`;
  const words: number[] = [];
  for (let i = 0; i < 8; i++) words.push((b[offset + 2 * i]! << 8) | b[offset + 2 * i + 1]!);
  if (words.slice(0, 5).every((w) => w === 0) && words[5] === 0xffff) {
    return `::ffff:${formatAddress(b, offset + 12, 4)}`;
  }
  let best = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (i + n < 8 && words[i + n] === 0) n++;
    if (n > bestLength) {
      best = i;
      bestLength = n;
    }
    if (n > 0) i += n - 1;
  }
  const hex = words.map((w) => w.toString(16));
  if (best < 0) return hex.join(':');
  return `${hex.slice(0, best).join(':')}::${hex.slice(best + bestLength).join(':')}`;
}

/** Canonical text of an address in any text form; null when it is not an address. */
export function canonicalAddress(text: string): string | null {
  const bytes = parseAddress(text);
  return bytes && formatAddress(bytes, 0, bytes.length);
}

/** `::ffff:a.b.c.d` for `a.b.c.d`; other text as it is. */
export function mapIpv4(text: string): string {
  return text.includes(':') ? text : `::ffff:${text}`;
}

/** `a.b.c.d` for `::ffff:a.b.c.d`; other text as it is. */
export function unmapIpv4(text: string): string {
  return text.startsWith('::ffff:') && text.includes('.') ? text.slice(7) : text;
}
