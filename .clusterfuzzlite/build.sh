#!/bin/bash -eu
# Bundles every fuzz target and makes it a fuzzer of Jazzer.js (`compile_javascript_fuzzer` is the base image's).
npm ci --no-fund --no-audit
npm run build
node scripts/jazzer.mjs bundles
npm install --no-save @jazzer.js/core
for bundle in bundles/*.cjs; do
  compile_javascript_fuzzer netchannel "$bundle" -i "$(basename "$bundle")"
done
