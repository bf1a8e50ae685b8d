#!/bin/sh
# Builds the programs of this folder from Debian's golang-go and its packages of libraries, without a network. Needs a
# minute the first time, and next to nothing while the sources stay the same.
set -eu
cd "$(dirname "$0")"
export GO111MODULE=off GOPATH=/usr/share/gocode
for name in redigo time_rate; do
  go build -o "../../../node_modules/.cache/audits-go/$name" "$name.go" takes.go
done
