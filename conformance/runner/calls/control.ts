// fcntl, ioctl and cap_set.

import { bracketed, integer } from '../expressions.js';
import { type CallMaker, descriptor, expectArguments, integerArgument, mismatch } from './plan.js';

const fcntl: CallMaker = (call, context) => {
  expectArguments(call, 2, 3);
  const argument = call.args.length === 3 ? integerArgument(call, 2) : 0;
  return {
    name: 'fcntl',
    args: [descriptor(call, context), integerArgument(call, 1), argument],
    result: 'exact',
  };
};

const ioctl: CallMaker = (call, context) => {
  expectArguments(call, 2, 3);
  const expected = call.args.length === 3 ? integer(bracketed(call.args[2]!)) : null;
  return {
    name: 'ioctl',
    args: [descriptor(call, context), integerArgument(call, 1), expected],
    result: 'exact',
    after: (result) => {
      const got = result.out?.[0];
      if (expected !== null && result.value >= 0 && got !== expected)
        mismatch(call, 'ioctl value', expected, got);
    },
  };
};

const capSet: CallMaker = (call) => {
  expectArguments(call, 3);
  return {
    name: 'cap_set',
    args: [integerArgument(call, 0), integerArgument(call, 1), integerArgument(call, 2)],
    result: 'exact',
  };
};

export const CONTROL_CALLS: Readonly<Record<string, CallMaker>> = { fcntl, ioctl, cap_set: capSet };
