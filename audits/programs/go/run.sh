#!/bin/sh
# Becomes the program that the argument names, if it is built: a build takes longer than a program may take to be ready.
program="$(dirname "$0")/../../../node_modules/.cache/audits-go/$1"
[ -x "$program" ] && exec "$program"
echo '{"error": "not built; run audits/programs/go/build.sh first"}'
