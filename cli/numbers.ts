// Numbers of a command line, refused in words when they are none.

import { InvalidArgumentError } from 'commander';

/** A reader of whole numbers from `least`. */
export function integer(option: string, least = 1): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && Number.isSafeInteger(value)) return value;
    throw new InvalidArgumentError(`${option} needs a whole number from ${least}.`);
  };
}

/** A reader of seconds above 0. */
export function seconds(option: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value > 0 && Number.isFinite(value)) return value;
    throw new InvalidArgumentError(`${option} needs seconds above 0.`);
  };
}
