// Parameters below /sys/module that scripts look at or set. Most have one value here, Linux's default: setting it is
// fine, another one is something that the stack does not offer.

import type { StackConfig } from '../../../stack/index.js';

/** Defaults of Linux 6.18 (net/ipv4/tcp_cubic.c). */
const FIXED: Readonly<Record<string, string>> = {
  'tcp_cubic.fast_convergence': '1',
  'tcp_cubic.beta': '717',
  'tcp_cubic.initial_ssthresh': '0',
  'tcp_cubic.bic_scale': '41',
  'tcp_cubic.tcp_friendliness': '1',
  'tcp_cubic.hystart_detect': '3',
  'tcp_cubic.hystart_low_window': '16',
  'tcp_cubic.hystart_ack_delta_us': '2000',
};

export function getModuleParameter(config: StackConfig, name: string): string | null {
  if (name === 'tcp_cubic.hystart') return config.hystart === 'off' ? '0' : '1';
  return FIXED[name] ?? null;
}

/** False when the stack has no such parameter or value. */
export function setModuleParameter(config: StackConfig, name: string, value: string): boolean {
  const text = value.trim();
  if (name === 'tcp_cubic.hystart' && /^[01]$/.test(text)) {
    config.hystart = text === '0' ? 'off' : 'classic';
    return true;
  }
  return FIXED[name] === text;
}
