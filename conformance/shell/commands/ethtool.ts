// `ethtool -K DEVICE FEATURE on|off …`: offloads of the target's device.

import { type BuiltIn, badArguments } from '../command.js';

export const ethtool: BuiltIn = (context) => {
  const [option, device, ...settings] = context.args;
  if (option !== '-K' && option !== '--offload' && option !== '--features') {
    throw badArguments(context, `'${option ?? ''}' is not supported, only -K`);
  }
  if (device === undefined || settings.length === 0 || settings.length % 2 !== 0) {
    throw badArguments(context, 'a device and pairs of FEATURE on|off are needed');
  }
  for (let i = 0; i < settings.length; i += 2) {
    const state = settings[i + 1];
    if (state !== 'on' && state !== 'off') throw badArguments(context, `'${state}' is neither on nor off`);
    context.host.setDeviceFeature(device, settings[i]!, state === 'on');
  }
  return 0;
};
