#!/bin/sh
# The command line tool `gearman`. It prints the progress of a job before its answer, a line each time.
set -eu
command=$1 host=$2 port=$3 queue=$4
case $command in
    request) exec stdbuf -oL gearman -h "$host" -p "$port" -f "$queue" "$5" ;;
    submit) exec gearman -h "$host" -p "$port" -f "$queue" -b "$5" ;;
    receive) exec gearman -h "$host" -p "$port" -f "$queue" -w -c 1 -- sed 's/^/got /' ;;
esac
