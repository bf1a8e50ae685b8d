#!/bin/sh
# Prints the versions of Debian packages, in one line.
exec dpkg-query --show --showformat '${Package} ${Version}\n' "$@" | sort | paste -sd , | sed 's/,/, /g'
