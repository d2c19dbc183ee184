#!/bin/sh
# @NAME@: greets. Put the program here, or name its upstream as a [[source]].
set -eu
echo "hello from @NAME@"
