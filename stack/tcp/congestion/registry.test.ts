import { describe, expect, it } from 'vitest';
import { StackConfig } from '../../config/config.js';
import { newReno } from './newreno.js';
import {
  congestionControlNames,
  defaultCongestionControl,
  findCongestionControl,
  registerCongestionControl,
} from './registry.js';

describe('congestion-control algorithms', () => {
  it('are found by name', () => {
    expect(congestionControlNames().slice(0, 4)).toEqual(['reno', 'cubic', 'bbr', 'none']);
    expect(findCongestionControl('reno')).toBe(newReno);
    expect(findCongestionControl('vegas')).toBe(null);
  });

  it('can be added', () => {
    const own = { ...newReno, name: 'own' };
    registerCongestionControl(own);
    expect(findCongestionControl('own')).toBe(own);
  });

  it('fall back to Reno for an unknown default', () => {
    const config = new StackConfig();
    expect(defaultCongestionControl(config).name).toBe('cubic');
    config.tcpCongestionControl = 'none such';
    expect(defaultCongestionControl(config)).toBe(newReno);
  });
});
